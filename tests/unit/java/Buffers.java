// SPDX-License-Identifier: LGPL-2.1-or-later
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.FileChannel;
import java.nio.channels.Pipe;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.cryptmem.Salloc;
import org.cryptmem.SallocException;
import org.cryptmem.SecureBuffer;

/** What org.cryptmem does. TAP. With an argument, one thing that ends the virtual machine, or may. */
public final class Buffers {
    private static final int EINVAL = 22, ENOSYS = 38;
    private static int count, failures;

    private interface Call {
        void run() throws Exception;
    }

    private static void ok(boolean good, String what) {
        count++;
        failures += good ? 0 : 1;
        System.out.println((good ? "" : "not ") + "ok " + count + " - " + what);
    }

    private static boolean raises(Class<? extends Exception> kind, Call call) {
        try {
            call.run();
        } catch (Exception e) {
            return kind.isInstance(e);
        }
        return false;
    }

    private static int errno(Call call) {
        try {
            call.run();
        } catch (SallocException e) {
            return e.errno();
        } catch (Exception e) {
            return -1;
        }
        return 0;
    }

    private static boolean filled(ByteBuffer view, int value) {
        for (int i = view.position(); i < view.limit(); i++)
            if (view.get(i) != value)
                return false;
        return true;
    }

    private static boolean eventually(long allocated) throws InterruptedException {
        for (int i = 0; i < 1000 && Salloc.status().allocated() != allocated; i++) {
            System.gc();
            Thread.sleep(10);
        }
        return Salloc.status().allocated() == allocated;
    }

    private static Pipe.SourceChannel pipeWith(String text) throws IOException {
        Pipe pipe = Pipe.open();
        pipe.sink().write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
        pipe.sink().close();
        return pipe.source();
    }

    private static void aBuffer() throws Exception {
        Salloc.Status before = Salloc.status();
        ByteBuffer view;
        try (SecureBuffer key = SecureBuffer.allocate(32)) {
            view = key.buffer();
            ok(key.size() == 32 && view.isDirect() && view.capacity() == 32 && filled(view, 0), "all zero");
            Salloc.Status now = Salloc.status();
            ok(now.allocated() == before.allocated() + 32 && now.protection().compareTo(Salloc.Protection.NONE) > 0, "it is a block");
            ok(now.state() == Salloc.State.PROTECTED && now.error() == 0 && now.mapped() > 0 && now.limit() >= now.left(), "the status");
            try (Pipe.SourceChannel channel = pipeWith("k".repeat(40))) {
                ok(key.readFrom(channel) == 32 && filled(view, 'k'), "filled from a channel");
            }
            try (Pipe.SourceChannel channel = pipeWith("short")) {
                ok(key.readFrom(channel) == 5 && view.get(0) == 's' && view.get(5) == 'k', "which may end early");
            }
            ok(Salloc.equal(view, key.buffer()) && !Salloc.equal(view, ByteBuffer.allocate(32)) && !Salloc.equal(view, ByteBuffer.allocate(31)),
               "compared");
            view.position(7);
            ok(key.buffer().position() == 0 && Salloc.equal(view, ByteBuffer.wrap("k".repeat(25).getBytes(StandardCharsets.US_ASCII))),
               "each view has a position of its own");
            view.position(0);
            key.wipe();
            ok(filled(view, 0), "wiped");
            view.put(3, (byte) 9);
            ok(key.toString().contains("32") && !key.toString().contains("9"), "named without what it holds");
        }
        ok(filled(view, 0), "wiped at the end, for all who look at it");
        ok(Salloc.status().allocated() == before.allocated() + 32, "a view keeps it");
        ByteBuffer part = view.slice(8, 4);
        view = null;
        System.gc();
        Thread.sleep(100);
        ok(Salloc.status().allocated() == before.allocated() + 32 && filled(part, 0), "so does a view of a view");
        part = null;
        ok(eventually(before.allocated()), "given back when nobody has it");
    }

    private static void closed() throws Exception {
        long before = Salloc.status().allocated();
        SecureBuffer key = SecureBuffer.allocate(32);
        key.close();
        key.close();
        ok(Salloc.status().allocated() == before, "closed without having been shown: given back at once; closed twice");
        ok(raises(IllegalStateException.class, key::buffer) && raises(IllegalStateException.class, key::wipe) &&
           raises(IllegalStateException.class, key::readOnly) && key.toString().contains("closed"), "closed");
        List<SecureBuffer> lost = new ArrayList<>();
        for (int i = 0; i < 100; i++)
            lost.add(SecureBuffer.allocate(64));
        lost = null;
        ok(eventually(before), "never closed, and lost: given back");
    }

    private static void closedMeanwhile() throws Exception {
        SecureBuffer key = SecureBuffer.allocate(32);
        ByteBuffer view = key.buffer();
        Pipe pipe = Pipe.open();
        Thread closer = new Thread(() -> {
            try {
                Thread.sleep(100);
                key.close();
                pipe.sink().write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
                pipe.sink().close();
            } catch (IOException | InterruptedException e) {
                System.out.println("# " + e);
            }
        });
        closer.start();
        ok(raises(IllegalStateException.class, () -> key.readFrom(pipe.source())) && filled(view, 0), "closed while it was being filled: wiped");
        closer.join();
    }

    // A channel that fills what has been closed, and fails then.
    private static void closedAndFailed() {
        SecureBuffer key = SecureBuffer.allocate(32);
        ByteBuffer view = key.buffer();
        ReadableByteChannel channel = new ReadableByteChannel() {
            private int reads;

            @Override
            public int read(ByteBuffer into) throws IOException {
                if (reads++ > 0)
                    throw new IOException("reset");
                key.close();
                into.put((byte) 'S');
                return 1;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {
            }
        };
        ok(raises(IOException.class, () -> key.readFrom(channel)) && filled(view, 0), "closed while it was being filled by what fails: wiped");
    }

    private static void guarded() throws Exception {
        try (SecureBuffer pin = SecureBuffer.allocateGuarded(100)) {
            pin.buffer().put(0, (byte) 5);
            pin.readOnly();
            ok(pin.buffer().get(0) == 5, "read only");
            try (Pipe.SourceChannel channel = pipeWith("over")) {
                ok(raises(IllegalStateException.class, () -> pin.readFrom(channel)) && raises(IllegalStateException.class, pin::wipe) &&
                   pin.buffer().get(0) == 5, "a channel cannot fill it then, nor can it be wiped");
            }
            pin.readWrite();
            pin.buffer().put(0, (byte) 6);
            ok(pin.buffer().get(0) == 6, "and writable again");
            pin.noAccess();
        }
        ok(true, "closed whatever may be done with it");
        try (SecureBuffer shared = SecureBuffer.allocate(8)) {
            ok(errno(shared::readOnly) == EINVAL && errno(shared::noAccess) == EINVAL, "one that shares its pages: EINVAL");
        }
    }

    // One whose views cannot write does so for all who have them.
    private static void sizes() throws Exception {
        ok(raises(IllegalArgumentException.class, () -> SecureBuffer.allocate(-1)), "a negative size");
        try (SecureBuffer none = SecureBuffer.allocate(0); SecureBuffer fenced = SecureBuffer.allocateGuarded(0)) {
            ok(none.buffer().capacity() == 0 && fenced.buffer().capacity() == 0, "none at all");
        }
        try (SecureBuffer large = SecureBuffer.allocate(3 << 20)) {
            large.buffer().put((3 << 20) - 1, (byte) 1);
            ok(large.buffer().get((3 << 20) - 1) == 1, "a large one");
            ByteBuffer view = large.buffer().asReadOnlyBuffer();
            ok(raises(ReadOnlyBufferException.class, () -> view.put(0, (byte) 1)), "a view that cannot write");
            Path file = File.createTempFile("cryptmem", null).toPath();
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.READ)) {
                ok(channel.write(large.buffer()) == 3 << 20 && channel.size() == 3 << 20, "written to a file");
            } finally {
                file.toFile().delete();
            }
        }
        ok(errno(() -> Salloc.fallback(64)) == EINVAL && errno(() -> Salloc.guard(64)) == EINVAL, "unknown flags: EINVAL");
    }

    // More than there may be, if what is closed were not collected: with a limit of a MiB.
    private static void churn() {
        for (int i = 0; i < 200; i++)
            try (SecureBuffer block = SecureBuffer.allocate(64 << 10)) {
                block.buffer().put(0, (byte) 1);
            }
        System.out.println("churned");
    }

    private static void alone(String what) {
        switch (what) {
        case "none":
            System.out.println(errno(() -> SecureBuffer.allocate(1)) == ENOSYS && Salloc.status().state() == Salloc.State.UNAVAILABLE ? "ENOSYS" : "?");
            break;
        case "says":
            Salloc.fallback(Salloc.FALLBACK_LOCKED);
            System.out.println(SecureBuffer.allocate(1).size() + " " + Salloc.status().protection());
            break;
        case "write":
        case "read":
            SecureBuffer pin = SecureBuffer.allocateGuarded(100);
            ByteBuffer view = pin.buffer();
            if (what.equals("write")) {
                pin.readOnly();
                view.put(0, (byte) 1);
            } else {
                pin.noAccess();
                System.out.println(view.get(0));
            }
            break;
        case "churn":
            churn();
            break;
        default:
            throw new IllegalArgumentException(what);
        }
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) {
            alone(arguments[0]);
            return;
        }
        aBuffer();
        closed();
        closedMeanwhile();
        closedAndFailed();
        guarded();
        sizes();
        System.out.println("1.." + count);
        System.exit(failures == 0 ? 0 : 1);
    }
}

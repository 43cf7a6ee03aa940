// SPDX-License-Identifier: LGPL-2.1-or-later
package org.cryptmem;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;

/**
 * Bytes that are in plaintext only while this process runs: a block of libsalloc, salloc(3), as a direct {@link ByteBuffer}.
 *
 * <pre>{@code
 * try (SecureBuffer key = SecureBuffer.allocate(32)) {
 *     key.readFrom(channel);
 *     nativeSign(key.buffer());
 * } // wiped
 * }</pre>
 *
 * <p>What is read out of it into an array, a String or a SecretKeySpec is a copy in the Java heap, which is not protected, and which the collector
 * copies again; MessageDigest, Mac and Cipher make one of a direct buffer, too. So have channels and native code work on the buffer itself, and
 * compare with {@link Salloc#equal}.
 *
 * <p>It is wiped by {@link #close}, and given back when no buffer that shows it can be reached any more; those see zeros until then.
 * All methods may be called by several threads at once.
 */
public final class SecureBuffer implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final int EAGAIN = 11, ENOMEM = 12, EDQUOT = 122;
    private static final int READ_WRITE = 0, READ_ONLY = 1, NO_ACCESS = 2;

    /** Gives the block back: must know nothing of the buffer that it waits for. */
    private record Block(long address, boolean guarded) implements Runnable {
        @Override
        public void run() {
            // What cannot be made writable cannot be wiped, and free() would end the virtual machine: better to keep it, protected.
            if (!guarded || Salloc.access(address, READ_WRITE) == 0)
                Salloc.free(address);
        }
    }

    private final long address;
    private final int size;
    private final Cleaner.Cleanable block;
    private ByteBuffer root; // null: closed
    private boolean shown, writable = true;

    private SecureBuffer(int size, boolean guarded) {
        if (size < 0)
            throw new IllegalArgumentException("negative size: " + size);
        this.size = size;
        address = allocate(size, guarded);
        ByteBuffer view;
        try {
            view = Salloc.view(address, size);
            block = CLEANER.register(view, new Block(address, guarded));
        } catch (Throwable e) {
            Salloc.free(address);
            throw e;
        }
        root = view;
    }

    /**
     * A block that is all zero.
     *
     * @param size bytes
     * @return the buffer
     * @throws SallocException there is no protected memory: ENOSYS without the kernel module, and what else salloc(3) has
     * @throws IllegalArgumentException the size is negative
     */
    public static SecureBuffer allocate(int size) {
        return new SecureBuffer(size, false);
    }

    /**
     * The same between pages that nobody may touch, salloc_guarded(3); for this one {@link #readOnly} and {@link #noAccess} work. Native code that
     * runs over its end, and Java that breaks what they say, ends the virtual machine: SIGSEGV.
     *
     * @param size bytes
     * @return the buffer
     * @throws SallocException there is no protected memory
     * @throws IllegalArgumentException the size is negative
     */
    public static SecureBuffer allocateGuarded(int size) {
        return new SecureBuffer(size, true);
    }

    // What is closed but waits for the collector counts against the limits.
    private static long allocate(int size, boolean guarded) {
        long address = Salloc.allocate(size, guarded);
        boolean interrupted = false;
        for (int sleep = 1; sleep <= 256 && (address == -EAGAIN || address == -ENOMEM || address == -EDQUOT); sleep *= 2) {
            System.gc();
            try {
                Thread.sleep(sleep);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            address = Salloc.allocate(size, guarded);
        }
        if (interrupted)
            Thread.currentThread().interrupt();
        if (address < 0)
            Salloc.check((int) -address, size + " bytes of protected memory");
        return address;
    }

    private ByteBuffer open() {
        if (root == null)
            throw new IllegalStateException("this buffer is closed");
        return root;
    }

    /**
     * How many bytes there are.
     *
     * @return bytes
     */
    public int size() {
        return size;
    }

    /**
     * All of it: a new view with a position, a limit and an order (big endian) of its own.
     *
     * @return a direct buffer
     * @throws IllegalStateException it is closed
     */
    public synchronized ByteBuffer buffer() {
        shown = true;
        return open().duplicate().order(ByteOrder.BIG_ENDIAN);
    }

    /**
     * Fills it from a channel, until it is full, or the channel ends, or has nothing now and does not wait.
     *
     * @param channel what to read from: a FileChannel or a SocketChannel reads into it without a copy, which one of {@code Channels.newChannel()}
     *     does not
     * @return how many bytes were read
     * @throws IOException the channel failed
     * @throws IllegalStateException it is closed, or may not be written
     */
    public int readFrom(ReadableByteChannel channel) throws IOException {
        ByteBuffer view = viewToFill();
        boolean closed;
        try {
            while (view.hasRemaining() && channel.read(view) > 0)
                ;
        } finally {
            closed = wipedIfClosed();
            Reference.reachabilityFence(view);
        }
        if (closed)
            throw new IllegalStateException("this buffer was closed while it was being filled");
        return view.position();
    }

    private synchronized ByteBuffer viewToFill() {
        mustBeWritable();
        return buffer();
    }

    // What came after it was closed must not stay, however the channel has ended.
    private synchronized boolean wipedIfClosed() {
        if (root == null)
            Salloc.wipe(address, size);
        return root == null;
    }

    private void mustBeWritable() {
        open();
        if (!writable)
            throw new IllegalStateException("this buffer may not be written: readWrite() comes first");
    }

    /**
     * Makes all of it zero.
     *
     * @throws IllegalStateException it is closed, or may not be written
     */
    public synchronized void wipe() {
        mustBeWritable();
        Salloc.wipe(address, size);
    }

    /**
     * From now on it may be read, but not written.
     *
     * @throws SallocException EINVAL: it was not made by {@link #allocateGuarded}
     * @throws IllegalStateException it is closed
     */
    public void readOnly() {
        may(READ_ONLY, "salloc_ro");
    }

    /**
     * From now on it may be neither read nor written.
     *
     * @throws SallocException EINVAL: it was not made by {@link #allocateGuarded}
     * @throws IllegalStateException it is closed
     */
    public void noAccess() {
        may(NO_ACCESS, "salloc_noaccess");
    }

    /**
     * From now on it may be read and written.
     *
     * @throws SallocException EINVAL: it was not made by {@link #allocateGuarded}
     * @throws IllegalStateException it is closed
     */
    public void readWrite() {
        may(READ_WRITE, "salloc_rw");
    }

    private synchronized void may(int mode, String what) {
        open();
        Salloc.check(Salloc.access(address, mode), what);
        writable = mode == READ_WRITE;
    }

    /**
     * Wipes it: all of it has memory then, where {@link #buffer} has shown it. A second time does nothing.
     *
     * @throws SallocException ENOMEM: what may not be written could not be made writable; it stays open, and when it is collected it is
     *     wiped, or, if that is so still, kept as it is, protected, until the process ends
     */
    @Override
    public synchronized void close() {
        if (root == null)
            return;
        if (!writable)
            readWrite();
        ByteBuffer last = root;
        root = null;
        // Nobody has it: no need to wait for the collector, and freeing it wipes it.
        if (shown)
            Salloc.wipe(address, size);
        else
            block.clean();
        Reference.reachabilityFence(last);
    }

    /** Tells how many bytes there are, not which. */
    @Override
    public synchronized String toString() {
        return "SecureBuffer[" + (root == null ? "closed" : size + " bytes") + "]";
    }
}

// SPDX-License-Identifier: GPL-2.0-only
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.cryptmem.Salloc;
import org.cryptmem.SecureBuffer;

/** A keeper (keeper.h) of what is in buffers of Java's: of bindings/java, or with "plain" as an argument direct ones of its own. */
public final class Buffer {
    private static final int WORDS = 64 * 8;

    private static int sequence(int i) {
        int x = i * (int) 2654435761L ^ 0x9e3779b9;
        x ^= x >>> 15;
        x *= 0x2c1b3c6d;
        x ^= x >>> 12;
        x *= 0x297a2d39;
        return x ^ x >>> 15;
    }

    private static void fill(ByteBuffer view, int kind) {
        for (int i = 0; i < WORDS; i++)
            view.putInt(4 * i, sequence(kind * WORDS + i));
    }

    private static boolean intact(ByteBuffer view, int kind) {
        boolean good = true;
        for (int i = 0; i < WORDS; i++)
            good &= view.getInt(4 * i) == sequence(kind * WORDS + i);
        return good;
    }

    private static void waitForKeep() throws IOException {
        try (FileOutputStream out = new FileOutputStream("/proc/self/fd/3"); FileInputStream in = new FileInputStream("/proc/self/fd/4")) {
            out.write(0);
            if (in.read() != 0)
                System.exit(3);
        }
    }

    public static void main(String[] arguments) throws Exception {
        boolean plain = arguments.length > 0 && arguments[0].equals("plain");
        SecureBuffer[] buffers = plain ? null : new SecureBuffer[] {SecureBuffer.allocate(4 * WORDS), SecureBuffer.allocateGuarded(4 * WORDS)};
        ByteBuffer[] views = new ByteBuffer[2];
        for (int kind = 0; kind < 2; kind++) {
            views[kind] = (plain ? ByteBuffer.allocateDirect(4 * WORDS) : buffers[kind].buffer()).order(ByteOrder.nativeOrder());
            fill(views[kind], kind);
        }
        if (!plain)
            buffers[1].readOnly();
        waitForKeep();
        boolean good = intact(views[0], 0) && intact(views[1], 1);
        if (!plain) {
            for (SecureBuffer buffer : buffers)
                buffer.close();
            good &= views[0].get(20) == 0 && views[1].get(20) == 0 && Salloc.status().state() == Salloc.State.PROTECTED;
        }
        System.exit(good ? 0 : 4);
    }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
package org.cryptmem;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * What libsalloc says of this process, and what it is told for all of it. Blocks are {@link SecureBuffer}s.
 *
 * <p>The native half is {@code libsalloc-java.so}, looked for where the Java virtual machine looks for libraries, unless the system property
 * {@code org.cryptmem.library} has its path.
 */
public final class Salloc {
    /** What will do where the kernel module is absent, {@link #fallback}. */
    public static final int FALLBACK_SECRET = 1, FALLBACK_LOCKED = 2, FALLBACK_WIPE = 4;

    /** What becomes of debuggers, {@link #guard}. */
    public static final int GUARD_PARK = 1, GUARD_REFUSE = 2, GUARD_HIDE = 4;

    /** What protects blocks: salloc_status(3). */
    public enum Protection {
        /** Nothing: allocations fail. */
        NONE,
        /** The kernel module. */
        KERNEL,
        /** memfd_secret(2). */
        SECRET,
        /** mlock(2). */
        LOCKED
    }

    /** How it is with this process: salloc_status(3). */
    public enum State {
        /** No protection: {@link Status#error} tells why. */
        UNAVAILABLE,
        /** There, but nothing allocated yet. */
        READY,
        /** All is well. */
        PROTECTED,
        /** A debugger is attached. */
        TRACED,
        /** Altered from outside: sealed until the process exits. */
        LOCKED,
        /** Memory ran out as this process was made. */
        BROKEN
    }

    /**
     * What protects this process's blocks, and how it is with them, as salloc_status(3) has it.
     *
     * @param protection the least that any block has; before the first, what it would get
     * @param state how it is with the process now
     * @param error the errno that an allocation would fail with, or 0
     * @param allocated bytes in blocks
     * @param mapped bytes of addresses reserved for blocks
     * @param used bytes of memory occupied
     * @param limit bytes of addresses that may be reserved; {@link Long#MAX_VALUE}: no limit; 0: no protection
     * @param left how many of them are left
     */
    public record Status(Protection protection, State state, int error, long allocated, long mapped, long used, long limit, long left) {
    }

    static {
        String path = System.getProperty("org.cryptmem.library");
        if (path == null)
            System.loadLibrary("salloc-java");
        else
            System.load(path);
    }

    private Salloc() {
    }

    /**
     * Asks the kernel each time.
     *
     * @return how it is now
     * @throws SallocException the process has blocks, but nobody can be asked about them
     */
    public static Status status() {
        long[] numbers = new long[8];
        check(status(numbers), "salloc_status");
        return new Status(Protection.values()[(int) numbers[0]], State.values()[(int) numbers[1]], (int) numbers[2], numbers[3], numbers[4],
                numbers[5], numbers[6], numbers[7]);
    }

    /**
     * Says what will do where the kernel module is absent; before the first buffer.
     *
     * @param flags FALLBACK_*, or 0
     * @throws SallocException see salloc_fallback(3)
     */
    public static void fallback(int flags) {
        check(setFallback(flags), "salloc_fallback");
    }

    /**
     * Says what becomes of debuggers.
     *
     * @param flags GUARD_*
     * @throws SallocException see salloc_guard(3)
     */
    public static void guard(int flags) {
        check(setGuard(flags), "salloc_guard");
    }

    /**
     * Whether two buffers have the same bytes from their positions to their limits, in a time that tells nothing but how many.
     *
     * @param a a buffer of any kind, which stays as it is
     * @param b another
     * @return whether they are the same
     */
    public static boolean equal(ByteBuffer a, ByteBuffer b) {
        Objects.requireNonNull(a);
        Objects.requireNonNull(b);
        int length = a.remaining(), from = a.position(), other = b.position(), differ = 0;
        if (length != b.remaining())
            return false;
        for (int i = 0; i < length; i++)
            differ |= a.get(from + i) ^ b.get(other + i);
        return differ == 0;
    }

    static void check(int errno, String what) {
        if (errno != 0)
            throw new SallocException(what, errno, message(errno));
    }

    // All that return an int return 0 or an errno.
    private static native int status(long[] numbers);

    private static native int setFallback(int flags);

    private static native int setGuard(int flags);

    private static native String message(int errno);

    // The address of a block that is all zero, or minus an errno.
    static native long allocate(int size, boolean guarded);

    static native ByteBuffer view(long address, int size);

    static native void wipe(long address, int size);

    static native void free(long address);

    // 0: readable and writable, 1: readable, 2: neither.
    static native int access(long address, int mode);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
package org.cryptmem;

/** A function of libsalloc has failed. */
public final class SallocException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int errno;

    SallocException(String what, int errno, String message) {
        super(what + ": " + message);
        this.errno = errno;
    }

    /**
     * Why, as salloc(3) names it: ENOSYS (38) when the kernel module is not loaded, say.
     *
     * @return the error's number
     */
    public int errno() {
        return errno;
    }
}

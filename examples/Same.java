// SPDX-License-Identifier: MIT
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.cryptmem.Salloc;
import org.cryptmem.SecureBuffer;

/** Same FILE FILE: whether two files have the same secret in them, which is never in the heap of Java. */
public final class Same {
    private static int read(String name, SecureBuffer into) throws IOException {
        try (FileChannel file = FileChannel.open(Path.of(name))) {
            int length = into.readFrom(file);
            if (length == into.size() && file.position() < file.size())
                throw new IOException(name + ": more than " + length + " bytes");
            return length;
        }
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 2) {
            System.err.println("usage: Same FILE FILE");
            System.exit(2);
        }
        try (SecureBuffer one = SecureBuffer.allocate(4096); SecureBuffer other = SecureBuffer.allocate(4096)) {
            boolean same = read(arguments[0], one) == read(arguments[1], other) && Salloc.equal(one.buffer(), other.buffer());
            System.out.println(same ? "the same" : "not the same");
        }
    }
}

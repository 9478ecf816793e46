/** A fake of the vendor's ConfigParser: it copies a folder of files that stand for rendered ones. */
final class ConfigParser {
    static void parse(String configuration, String resources, String home) throws Exception {
        if (java.nio.file.Files.readString(java.nio.file.Path.of(configuration)).contains("refuse")) {
            throw new Exception("Error parsing deployment configuration");
        }
        java.nio.file.Path from = java.nio.file.Path.of(resources, "rendered");
        try (java.util.stream.Stream<java.nio.file.Path> files = java.nio.file.Files.walk(from)) {
            for (java.nio.file.Path file : (Iterable<java.nio.file.Path>) files::iterator) {
                java.nio.file.Path to = java.nio.file.Path.of(home, "repository/conf").resolve(from.relativize(file).toString());
                if (java.nio.file.Files.isRegularFile(file)) {
                    java.nio.file.Files.createDirectories(to.getParent());
                    java.nio.file.Files.copy(file, to, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }
}

import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.Collections;

/**
 * Opens stores as an application does, and with every alias signs the alias' own name with the key,
 * verifies that with the alias' certificate, and verifies each certificate with the next. Runs on
 * Java 8 and newer.
 *
 * <p>Arguments: pairs of store type and file; the password is in STORE_PASSWORD. Prints the runtime,
 * and for each alias, with tabs between: the file, the alias, the private key and the signature (or
 * nothing for a trusted certificate), and the certificates; all but the first two in Base64.
 */
public final class UseEveryAlias {
    public static void main(String[] arguments) throws Exception {
        System.out.println(System.getProperty("java.vm.vendor") + ", " + System.getProperty("java.vm.name") + " "
                + System.getProperty("java.runtime.version"));
        char[] password = System.getenv("STORE_PASSWORD").toCharArray();
        for (int i = 0; i < arguments.length; i += 2) {
            KeyStore store = KeyStore.getInstance(arguments[i]);
            try (InputStream file = new FileInputStream(arguments[i + 1])) {
                store.load(file, password);
            }
            for (String alias : Collections.list(store.aliases())) {
                System.out.println(arguments[i + 1] + "\t" + alias + "\t" + use(store, alias, password));
            }
        }
    }

    private static String use(KeyStore store, String alias, char[] password) throws GeneralSecurityException {
        if (store.isCertificateEntry(alias)) {
            return "\t\t" + base64(store.getCertificate(alias).getEncoded());
        }
        PrivateKey key = (PrivateKey) store.getKey(alias, password);
        Certificate[] chain = store.getCertificateChain(alias);
        byte[] message = alias.getBytes(StandardCharsets.UTF_8);
        String algorithm = key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";

        Signature signer = Signature.getInstance(algorithm);
        signer.initSign(key);
        signer.update(message);
        byte[] signature = signer.sign();

        Signature verifier = Signature.getInstance(algorithm);
        verifier.initVerify(chain[0].getPublicKey());
        verifier.update(message);
        if (!verifier.verify(signature)) {
            throw new GeneralSecurityException(alias + ": the certificate does not verify what its key signed");
        }
        StringBuilder line = new StringBuilder(base64(key.getEncoded()) + "\t" + base64(signature));
        for (int i = 0; i < chain.length; i++) {
            chain[i].verify(chain[Math.min(i + 1, chain.length - 1)].getPublicKey());
            line.append("\t").append(base64(chain[i].getEncoded()));
        }
        return line.toString();
    }

    private static String base64(byte[] data) {
        return Base64.getEncoder().encodeToString(data);
    }
}

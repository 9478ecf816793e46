package node

import "testing"

func TestPathsMove(t *testing.T) {
	places := []place{{"/tmp", "/tmp/pod/volumes/tmp"}, {"/opt/keycloak", "/tmp/pod/image"}, {"/holdfast/trust", "/tmp/pod/volumes/trust"}}
	for text, want := range map[string]string{
		"/opt/keycloak/bin/kc.sh": "/tmp/pod/image/bin/kc.sh",
		// Once only: what a path became has another place in it.
		"-Djava.io.tmpdir=/tmp -XX:-UsePerfData":           "-Djava.io.tmpdir=/tmp/pod/volumes/tmp -XX:-UsePerfData",
		"db.iam.svc:5432/shop?sslrootcert=/holdfast/trust": "db.iam.svc:5432/shop?sslrootcert=/tmp/pod/volumes/trust",
		"--config-file=/holdfast/trust/ca.crt export":      "--config-file=/tmp/pod/volumes/trust/ca.crt export",
		// Another path, which only begins or ends alike.
		"/tmp2/x /var/tmp /holdfast/trusted": "/tmp2/x /var/tmp /holdfast/trusted",
	} {
		if got := move(text, places); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

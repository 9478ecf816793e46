package functional

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/test/harness"
)

// Of a Secret that no custom resource names the operator never gets the payload, beside its tenants as elsewhere, when it
// starts as while it runs. What a tenant names it reads.
func TestPayloadsOfUnrelatedSecretsAreNotRead(t *testing.T) {
	t.Parallel()
	ns, foreign := namespace(t), world.Environment.ForeignNamespace(t)
	mark := strings.Repeat("unrelated payload of "+ns+" ", 3) // of a length that base64 repeats
	fill := func(namespace string, from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("unrelated-%d", i)},
				Data: map[string][]byte{"value": bytes.Repeat([]byte(mark), 1000)}}
			if err := world.Admin.Create(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(ns, 0, 20)
	fill(foreign, 0, 10)
	db := &corev1.Secret{}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "db"}, db); err != nil {
		t.Fatal(err)
	}
	seen := &sightings{needles: map[string][]string{
		"unrelated": inAnyForm(mark), "named": inAnyForm(string(db.Data["password"])), "metadata": {"unrelated-19"}, "later": {"unrelated-24"}}}
	first := operate(t, harness.OperatorOptions{WrapAPI: seen.wrap}, ns, foreign)
	acme := harness.NewTenant(ns, "acme")
	acme = ready(t, acme)
	fill(ns, 20, 25)
	fill(foreign, 10, 12)
	request(t, acme, "again") // a pass over the tenant with them there
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	operated(t, harness.OperatorOptions{WrapAPI: seen.wrap}, ns, foreign)
	request(t, acme, "after a start")
	for what, want := range map[string]bool{"unrelated": false, "named": true, "metadata": true, "later": true} {
		if got := seen.of(what); (got > 0) != want {
			t.Errorf("%s: seen %d times in what the operator read, want any: %t", what, got, want)
		}
	}
	t.Logf("the operator read %d KiB; the unrelated Secrets have %d KiB", seen.read()/1024, 37*len(mark)*1000/1024)
}

// inAnyForm gives a text as protobuf carries it and as JSON does.
func inAnyForm(text string) []string {
	return []string{text, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(text)), "=")}
}

// sightings counts texts in what passes a transport towards the operator.
type sightings struct {
	needles map[string][]string

	mu    sync.Mutex
	found map[string]int
	bytes int
}

func (s *sightings) of(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found[what]
}

func (s *sightings) read() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

func (s *sightings) wrap(next http.RoundTripper) http.RoundTripper {
	return transport(func(request *http.Request) (*http.Response, error) {
		answer, err := next.RoundTrip(request)
		if err == nil {
			answer.Body = &watched{ReadCloser: answer.Body, sightings: s}
		}
		return answer, err
	})
}

// watched is a body whose bytes are looked at as they are read.
type watched struct {
	io.ReadCloser
	sightings *sightings
	end       []byte // of what was read, where a text may have begun
}

func (w *watched) Read(into []byte) (int, error) {
	n, err := w.ReadCloser.Read(into)
	w.sightings.look(w, into[:n])
	return n, err
}

func (s *sightings) look(w *watched, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes += len(content)
	all := append(w.end, content...)
	longest := 0
	for what, forms := range s.needles {
		for _, form := range forms {
			longest = max(longest, len(form))
			if bytes.Contains(all, []byte(form)) {
				if s.found == nil {
					s.found = map[string]int{}
				}
				s.found[what]++
			}
		}
	}
	w.end = bytes.Clone(all[max(0, len(all)-longest+1):])
}

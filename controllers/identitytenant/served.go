package identitytenant

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// handshakePatience bounds the look at one pod.
const handshakePatience = 5 * time.Second

// proveServed reads over TLS which certificate each pod serves, once for each version of the store:
// that a pod is ready with a Secret does not say that its server serves what is in it. Until all
// of them do, it looks again.
func (p *pass) proveServed(ctx context.Context, want tenant.Spec, seen tenant.Facts) {
	fact := seen.Keystores[tenant.RoleTLS]
	chain, err := keystore.ParseCertificates(fact.CertificatePEM)
	if err != nil {
		return
	}
	serial := fmt.Sprintf("%x", chain[0].SerialNumber)
	if before := p.cr.Status.ServedCertificate; before != nil && before.Serial == serial {
		p.served = &tenant.ServedFact{Serial: serial, NotAfter: chain[0].NotAfter, Pods: int(before.Pods), Since: before.Since.Time}
		return
	}
	all, err := p.allPodsName(ctx, want, fact.SecretName)
	if err != nil || !all {
		return
	}
	var pods corev1.PodList
	if err := p.client.List(ctx, &pods, client.InNamespace(want.Namespace), client.MatchingLabels(want.ServerSelector())); err != nil {
		return
	}
	for i := range pods.Items {
		access := p.access(want, seen)
		access.ServerName = fmt.Sprintf("%s.%s.%s.svc", pods.Items[i].Name, want.HeadlessServiceName(), want.Namespace)
		access.Address = net.JoinHostPort(access.ServerName, strconv.Itoa(int(p.shape.HTTPSPort)))
		look, cancel := context.WithTimeout(ctx, handshakePatience)
		certificate, err := idp.Served(look, access)
		cancel()
		if err != nil || certificate.SerialNumber.Cmp(chain[0].SerialNumber) != 0 {
			p.wake(p.Clock.Now().Add(lookAgain))
			return
		}
	}
	p.served = &tenant.ServedFact{Serial: serial, NotAfter: chain[0].NotAfter, Pods: len(pods.Items), Since: p.Clock.Now()}
}

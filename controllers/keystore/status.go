package keystore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/status"
)

const (
	// resync looks at what cannot be watched, Vault, although all is well.
	resync       = 10 * time.Minute
	resyncJitter = 0.3
)

// hold lets the last good version stand while Vault is away for a while: the pass is then no failure. A fault that needs a
// person is always told, and so is a version that was made for other entries than the spec has now.
func (p *pass) hold(ctx context.Context, failed error) error {
	if p.vaultErr == nil || fault.IsTerminal(failed) || !errors.Is(failed, p.vaultErr) || p.cr.Status.SecretName == "" {
		return failed
	}
	if p.indexOf(p.cr.Status.SecretName) < 0 {
		// The cache may not show what was made a moment ago.
		live, err := p.findVersions(ctx, p.Live)
		if err != nil {
			return failed
		}
		p.versions = live
	}
	at := p.indexOf(p.cr.Status.SecretName)
	if at < 0 || p.versions[at].secret.Annotations[annotationEntries] != p.want.entriesDigest {
		return failed
	}
	p.current = &p.versions[at]
	return nil
}

// publish writes status once, if it changed, and then tells by events what did.
func (p *pass) publish(ctx context.Context, failed error) error {
	before := p.cr.DeepCopy()
	after := &p.cr.Status
	after.ObservedGeneration = p.cr.Generation
	after.Conditions = p.conditions(failed)
	if p.looked {
		if err := p.describeVersions(ctx, after); err != nil {
			return err
		}
	}
	err := status.Write(ctx, p.Client, before, p.cr)
	for _, change := range p.changes {
		publish.Change(p.Recorder, p.cr, change)
	}
	if err != nil {
		return err
	}
	p.stale.Wrote(before, p.cr)
	publish.Ready(p.Recorder, p.cr, before.Status.Conditions, p.cr.Status.Conditions)
	return nil
}

func (p *pass) conditions(failed error) []metav1.Condition {
	conditions := status.From(p.cr.Status.Conditions, p.cr.Generation, p.Clock.Now())
	switch {
	case p.vaultErr != nil:
		f := fault.Of(p.vaultErr, v1alpha1.ReasonError)
		conditions.False(v1alpha1.ConditionVaultReady, f.Reason, f.Message)
	case p.kv == nil:
		conditions.Unknown(v1alpha1.ConditionVaultReady, v1alpha1.ReasonNotObserved, "Nobody could look yet")
	default:
		conditions.True(v1alpha1.ConditionVaultReady, v1alpha1.ReasonSucceeded, "Every value is in place")
	}
	message := ""
	if p.current != nil {
		message = fmt.Sprintf("Version %d is in Secret %s", p.current.generation, p.current.secret.Name)
		if p.want.rollback != "" {
			message += ", pinned by the annotation " + v1alpha1.AnnotationRollback
		}
	}
	conditions.Conclude(failed, message)
	return conditions.List()
}

// describeVersions fills in what the status says of versions. A version that only the past knows is read from its Secret.
func (p *pass) describeVersions(ctx context.Context, after *v1alpha1.KeystoreStatus) error {
	described := make([]v1alpha1.KeystoreVersion, 0, len(p.versions))
	for _, v := range p.versions {
		if v.entries == nil {
			var err error
			if v.entries, err = p.readVersion(ctx, v.secret.Name); err != nil {
				return err
			}
		}
		state := v1alpha1.VersionRetired
		if p.isCurrent(v, after.SecretName) {
			state = v1alpha1.VersionCurrent
		}
		described = append(described, v1alpha1.KeystoreVersion{Generation: v.generation, State: state, SecretName: v.secret.Name, Entries: v.entries})
	}
	if p.current == nil && p.indexOf(after.SecretName) < 0 {
		after.CurrentGeneration, after.SecretName, after.NotAfter = 0, "", nil
	}
	if p.current != nil {
		after.CurrentGeneration, after.SecretName, after.NotAfter = p.current.generation, p.current.secret.Name, earliestEnd(p.current.entries)
	}
	after.Versions = described
	if p.current != nil && p.vaultErr == nil {
		after.Rings = p.rings
	}
	after.NextRotation = nil
	if !p.nextDue.IsZero() {
		after.NextRotation = &metav1.Time{Time: p.nextDue.Truncate(time.Second)}
	}
	p.requests(after)
	return nil
}

// requests echoes what is done.
func (p *pass) requests(after *v1alpha1.KeystoreStatus) {
	seen := v1alpha1.KeystoreRequests{}
	if after.Requests != nil {
		seen = *after.Requests
	}
	if p.rotated != "" && p.applied {
		seen.Rotate = p.rotated
	}
	seen.Rollback = ""
	if p.current != nil && p.want.rollback != "" {
		seen.Rollback = p.want.rollback
	}
	after.Requests = nil
	if seen != (v1alpha1.KeystoreRequests{}) {
		after.Requests = &seen
	}
}

// isCurrent: a pass that failed leaves the version current that was it before.
func (p *pass) isCurrent(v version, before string) bool {
	if p.current != nil {
		return v.secret.Name == p.current.secret.Name
	}
	return v.secret.Name == before
}

func (p *pass) readVersion(ctx context.Context, name string) ([]v1alpha1.KeystoreVersionEntry, error) {
	var secret corev1.Secret
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: name}, &secret); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	// One that cannot be read is not ours after all, and has no entries. A former version may be of another format.
	for _, format := range []keystore.Format{keystore.PKCS12, keystore.JKS, keystore.PEM} {
		if entries, err := keystore.Decode(format, secret.Data, string(secret.Data[keyPassword])); err == nil {
			return describe(entries), nil
		}
	}
	return nil, nil
}

func describe(entries []keystore.Entry) []v1alpha1.KeystoreVersionEntry {
	entries = slices.SortedFunc(slices.Values(entries), func(a, b keystore.Entry) int { return cmp.Compare(a.Alias, b.Alias) })
	described := make([]v1alpha1.KeystoreVersionEntry, len(entries))
	for i, e := range entries {
		certificate := e.Chain[0]
		described[i] = v1alpha1.KeystoreVersionEntry{
			Alias:             e.Alias,
			FingerprintSHA256: keystore.Fingerprint(certificate),
			Serial:            fmt.Sprintf("%x", certificate.SerialNumber),
			NotBefore:         metav1.NewTime(certificate.NotBefore),
			NotAfter:          metav1.NewTime(certificate.NotAfter),
			Trusted:           e.PrivateKey == nil,
		}
	}
	return described
}

// earliestEnd is among the store's own certificates; those that it only trusts are renewed elsewhere.
func earliestEnd(entries []v1alpha1.KeystoreVersionEntry) (earliest *metav1.Time) {
	for _, e := range entries {
		if !e.Trusted && (earliest == nil || e.NotAfter.Before(earliest)) {
			earliest = e.NotAfter.DeepCopy()
		}
	}
	return earliest
}

// result says when to look again at the latest.
func (p *pass) result(failed error) (ctrl.Result, error) {
	switch {
	case failed != nil:
		return pipeline.Rejected(failed).Result()
	case p.vaultErr != nil:
		return pipeline.Rejected(p.vaultErr).Result()
	case p.unnoted != nil:
		return ctrl.Result{RequeueAfter: pipeline.WaitingRetry}, nil //nolint:nilerr // a record holds up nothing
	}
	again := wait.Jitter(resync, resyncJitter)
	if !p.again.IsZero() {
		again = min(again, max(p.again.Sub(p.Clock.Now()), time.Second))
	}
	return ctrl.Result{RequeueAfter: again}, nil
}

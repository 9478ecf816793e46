package identitytenant

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/record"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// Steps that some materials have beside those of every rotation.
const (
	// stepRetired: what was in use before is closed.
	stepRetired v1alpha1.RotationStepName = "Retired"
	// stepRefused: it could not be rotated; a person is needed.
	stepRefused v1alpha1.RotationStepName = "Refused"
)

// attempt remembers that a material could not be rotated and that a person is needed.
func (p *pass) attempt(material string, err error) error {
	if fault.IsTerminal(err) {
		if p.refused == nil {
			p.refused = map[string]error{}
		}
		p.refused[material] = err
	}
	return err
}

// noteRotations writes down what has become of rotations. All of it is told by where materials stand and by
// what pods hold, so that a life that ended between a rotation and its record is followed by one that writes
// it. A record that cannot be written holds up nothing.
func (p *pass) noteRotations(ctx context.Context, report pipeline.Report, served bool) {
	if len(p.place.position) == 0 && len(p.refused) == 0 {
		return
	}
	notes := notes{pass: p, report: report, served: served, writer: record.Writer{Client: p.Own, Live: p.Applier.Live, Clock: p.Clock}}
	if err := notes.write(ctx); err != nil {
		logf.FromContext(ctx).Info("What was rotated could not be written down and is tried again", "reason", err.Error())
		p.wake(p.Clock.Now().Add(pipeline.WaitingRetry))
	}
}

// notes are the records of one tenant, as one pass leaves them.
type notes struct {
	*pass
	report pipeline.Report
	served bool
	writer record.Writer
	known  []v1alpha1.RotationRecord // of this tenant, as the cache has them
}

func (n *notes) write(ctx context.Context) error {
	if err := n.list(ctx); err != nil {
		return err
	}
	current := map[client.ObjectKey]bool{}
	for _, material := range n.rotatable(n.report.Want) {
		for _, turn := range n.turns(material.name) {
			r := n.rotation(ctx, material.name, turn)
			current[r.Key()] = turn == n.place.position.Of(material.name)
			if err := n.note(ctx, material, turn, r); err != nil {
				return err
			}
		}
		if err, refused := n.refused[material.name]; refused {
			r := n.failed(material.name)
			current[r.Key()] = true
			if err := n.writer.Note(ctx, r, n.started(ctx, r, r.Attempt), record.Did(stepRefused, fault.Of(err, "").Message), record.Ended(v1alpha1.RotationFailed)); err != nil {
				return err
			}
		}
	}
	return n.supersede(ctx, current)
}

// list finds what was written down before.
func (n *notes) list(ctx context.Context) error {
	var records v1alpha1.RotationRecordList
	if err := n.Own.List(ctx, &records, client.InNamespace(n.cr.Namespace), client.MatchingLabels(record.Labels("IdentityTenant", n.cr.Name))); err != nil {
		return fmt.Errorf("list RotationRecords: %w", err)
	}
	for _, one := range records.Items {
		if one.Spec.Subject.Kind == "IdentityTenant" && one.Spec.Subject.UID == n.cr.UID {
			n.known = append(n.known, one)
		}
	}
	return nil
}

// turns are the rotations of a material that have to be written down: the one that led to where it stands
// and, when it moved in this pass, the one before, since an earlier life may have ended before it wrote that.
// What a tenant of the same name rotated before this one was made is not told again.
func (n *notes) turns(material string) (turns []vault.Turn) {
	began, now := n.began.Of(material), n.place.position.Of(material)
	for _, turn := range []vault.Turn{began, now} {
		if turn.Cause != "" && turn.Of == string(n.cr.UID) && (turn == now || began.Current != now.Current) {
			turns = append(turns, turn)
		}
	}
	return turns
}

// store is the Keystore of a material; nil: it lies in none, or nobody could look.
func (n *notes) store(ctx context.Context, material string) (child *v1alpha1.Keystore, alias string) {
	fact, usable := n.report.Seen.Keystores[tenant.KeystoreRole(material)]
	if !usable {
		return nil, ""
	}
	child = &v1alpha1.Keystore{}
	if err := n.client.Get(ctx, client.ObjectKey{Namespace: n.cr.Namespace, Name: fact.Name}, child); err != nil {
		return nil, "" // the record then tells less, and is no less right
	}
	return child, fact.Alias
}

// rotation describes the rotation that led to a turn.
func (n *notes) rotation(ctx context.Context, material string, turn vault.Turn) record.Rotation {
	child, alias := n.store(ctx, material)
	from := n.from(child, alias, turn)
	r := record.Rotation{
		Subject: record.SubjectOf("IdentityTenant", n.cr), Material: material, Cause: v1alpha1.RotationCause(turn.Cause),
		From: &from, To: describe(child, alias, turn.Current),
	}
	if r.Cause == v1alpha1.CauseRequest || r.Cause == v1alpha1.CauseLeak {
		r.Request = turn.Request
	}
	return r
}

// from is what was in use before: of a store the version before, since others come between rotations.
func (n *notes) from(child *v1alpha1.Keystore, alias string, turn vault.Turn) v1alpha1.RotatedMaterial {
	if child != nil {
		for generation := turn.Current - 1; generation > 0; generation-- {
			if version(child, generation) != nil {
				return describe(child, alias, generation)
			}
		}
	}
	return v1alpha1.RotatedMaterial{Generation: int64(turn.From)}
}

// causeOf is why a material rotates that somebody asked for.
func causeOf(verb rotation.Verb) string {
	if verb == rotation.Leaked {
		return string(v1alpha1.CauseLeak)
	}
	return string(v1alpha1.CauseRequest)
}

// failed describes what did not come to be.
func (n *notes) failed(material string) record.Rotation {
	turn := n.place.position.Of(material)
	r := record.Rotation{
		Subject: record.SubjectOf("IdentityTenant", n.cr), Material: material, Cause: v1alpha1.CauseSchedule,
		From: &v1alpha1.RotatedMaterial{Generation: int64(turn.Current)}, To: v1alpha1.RotatedMaterial{Generation: int64(turn.Newest() + 1)},
	}
	request, err := rotation.ParseRequest(n.cr.Annotations[v1alpha1.AnnotationRotate], v1alpha1.ReasonInvalidSpec)
	_, named := request.Materials[material]
	if err == nil && request.Token != "" && request.Token != turn.Request && (named || len(request.Materials) == 0) {
		r.Cause, r.Request = v1alpha1.RotationCause(causeOf(request.Materials[material])), request.Token
	}
	r.Attempt = r.Request
	if r.Attempt == "" {
		r.Attempt = n.rotations[material].NextDue.UTC().Format(time.RFC3339)
	}
	return r
}

// version finds a version of a store that the Keystore still tells of; nil: it does not.
func version(child *v1alpha1.Keystore, generation int) *v1alpha1.KeystoreVersion {
	for i := range child.Status.Versions {
		if child.Status.Versions[i].Generation == int64(generation) {
			return &child.Status.Versions[i]
		}
	}
	return nil
}

// describe names a generation without telling what it is: of a store, its keys as the Keystore shows them. child is nil
// for what lies in no store.
func describe(child *v1alpha1.Keystore, alias string, generation int) v1alpha1.RotatedMaterial {
	described := v1alpha1.RotatedMaterial{Generation: int64(generation)}
	if child == nil {
		return described
	}
	found := version(child, generation)
	if found == nil {
		return described
	}
	described.SecretName = found.SecretName
	for _, entry := range found.Entries {
		if !entry.Trusted && entry.Alias == alias {
			described.KeyIDs, described.Serials, described.Fingerprints = []string{entry.Alias}, []string{entry.Serial}, []string{entry.FingerprintSHA256}
		}
	}
	return described
}

// note writes down how far the rotation came that led to a turn.
func (n *notes) note(ctx context.Context, material rotatable, turn vault.Turn, r record.Rotation) error {
	entries := []record.Entry{n.started(ctx, r, turn.Run), record.Did(v1alpha1.StepKeyMade, fmt.Sprintf("Generation %d is in Vault and is named by the position there", turn.Current))}
	if turn != n.place.position.Of(material.name) {
		return n.writer.Note(ctx, r, entries...)
	}
	applied, err := n.applied(ctx, material, r)
	if err != nil {
		return err
	}
	if applied != "" {
		entries = append(entries, record.Did(v1alpha1.StepApplied, applied))
	}
	if serving := n.serving(material, turn); serving != "" {
		entries = append(entries, record.Did(v1alpha1.StepServing, serving))
		if material.closes && turn.Previous == 0 {
			entries = append(entries, record.Did(stepRetired, "What was in use before is closed"))
		}
		if material.settled(turn, n.served) {
			entries = append(entries, record.Ended(v1alpha1.RotationSucceeded))
		}
	}
	return n.writer.Note(ctx, r, entries...)
}

// started tells why, and who asked. The API server alone knows that, and is asked once for a record.
func (n *notes) started(ctx context.Context, r record.Rotation, run string) record.Entry {
	for _, one := range n.known {
		if one.Name == r.Key().Name && record.HasStep(one.Status, v1alpha1.StepStarted) {
			return record.Did(v1alpha1.StepStarted, "")
		}
	}
	message := "What is in use nears its end"
	switch {
	case r.Cause == v1alpha1.CauseChange:
		message = "Its tenant is declared otherwise"
	case r.Cause == v1alpha1.CauseSchedule && run == "":
		message = "It was due by its schedule"
	case r.Cause == v1alpha1.CauseSchedule:
		message = "Due since " + run
	case r.Request != "":
		message = fmt.Sprintf("Asked%s as %s", n.asker(ctx, r.Request), r.Request)
		if r.Cause == v1alpha1.CauseLeak {
			message += ", since somebody else may know the former one"
		}
	}
	return record.Did(v1alpha1.StepStarted, message)
}

// asker is the field manager of the annotation, as long as it asks the same; empty: nobody knows.
func (n *notes) asker(ctx context.Context, token string) string {
	live := &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("IdentityTenant"))
	if err := n.Applier.Live.Get(ctx, client.ObjectKeyFromObject(n.cr), live); err != nil {
		return ""
	}
	if words := strings.Fields(live.Annotations[v1alpha1.AnnotationRotate]); len(words) == 0 || words[0] != token {
		return ""
	}
	for _, managed := range live.ManagedFields {
		if managed.FieldsV1 != nil && strings.Contains(string(managed.FieldsV1.Raw), `"f:`+v1alpha1.AnnotationRotate+`"`) {
			return " by " + managed.Manager
		}
	}
	return ""
}

// applied says where what pods start from holds the material; empty: it does not yet.
func (n *notes) applied(ctx context.Context, material rotatable, r record.Rotation) (string, error) {
	if !material.inPods {
		return "The server took the new value before the position named it", nil
	}
	secret := r.To.SecretName
	if secret == "" {
		secret = n.credentials
	}
	set, err := n.statefulSet(ctx, n.report.Want)
	if err != nil || set == nil || secret == "" {
		return "", err
	}
	template, err := json.Marshal(set.Spec.Template.Spec)
	if err != nil || !strings.Contains(string(template), `"`+secret+`"`) {
		return "", err
	}
	return fmt.Sprintf("The pods' template names Secret %s, which holds generation %d", secret, r.To.Generation), nil
}

// serving says how it was seen that the server uses the material; empty: it was not yet.
func (n *notes) serving(material rotatable, turn vault.Turn) string {
	seen := n.report.Seen
	if material.inPods {
		if !n.served {
			return ""
		}
		if material.name == string(tenant.RoleTLS) {
			if seen.Served == nil {
				return ""
			}
			return fmt.Sprintf("%d pods serve the certificate with serial %s, read over TLS", seen.Served.Pods, seen.Served.Serial)
		}
		return fmt.Sprintf("%d of %d pods are ready and run revision %s", seen.Pods.Ready, seen.Pods.Wanted, seen.ServingRevision)
	}
	if settings, ran := n.report.Outcome(v1alpha1.ConditionSettingsApplied); !ran || !settings.Met() {
		return ""
	}
	return fmt.Sprintf("The server lets the account in with generation %d", turn.Current)
}

// supersede ends the records of rotations that a later one of the same material has overtaken.
func (n *notes) supersede(ctx context.Context, current map[client.ObjectKey]bool) error {
	for i := range n.known {
		one := &n.known[i]
		if one.Status.Outcome != "" || current[client.ObjectKeyFromObject(one)] {
			continue
		}
		if err := n.writer.End(ctx, client.ObjectKeyFromObject(one), v1alpha1.RotationSuperseded); err != nil {
			return err
		}
	}
	return nil
}

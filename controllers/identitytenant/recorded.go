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
	notes := notes{pass: p, report: report, served: served, writer: record.Writer{Client: p.Own, Live: p.Applier.Live, Clock: p.Clock}}
	if _, renewed := notes.renewal(string(tenant.RoleTLS)); len(p.place.position) == 0 && len(p.refused) == 0 && !renewed {
		return
	}
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
			if n.find(r) == nil && record.Later(n.known, r) {
				continue // it was removed with time
			}
			if err := n.note(ctx, material, turn, r); err != nil {
				return err
			}
		}
		if r, renewed := n.renewal(material.name); renewed {
			current[r.Key()] = true
			if err := n.note(ctx, material, n.place.position.Of(material.name), r); err != nil {
				return err
			}
		}
		if r, failed := n.failed(material.name); failed {
			current[r.Key()] = true
			if err := n.noteFailed(ctx, r, n.refused[material.name]); err != nil {
				return err
			}
		}
	}
	return n.supersede(ctx, current)
}

// secondLook is how soon a refusal is looked at again before it is written down.
const secondLook = 5 * time.Second

// noteFailed writes down a refusal that is met again after a while: of two operators at the same rotation one may be
// refused what the other has just done, and its next pass finds that it is done.
func (n *notes) noteFailed(ctx context.Context, r record.Rotation, refusal error) error {
	first, _ := n.refusals.LoadOrStore(r.Key(), n.Clock.Now())
	if again := first.(time.Time).Add(secondLook); again.After(n.Clock.Now()) && n.find(r) == nil {
		n.wake(again)
		return nil
	}
	return n.writer.Note(ctx, r, n.started(ctx, r, r.Attempt), record.Did(stepRefused, fault.Of(refusal, "").Message), record.Ended(v1alpha1.RotationFailed))
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

// causeOf is why a material rotates that somebody asked for.
func causeOf(verb rotation.Verb) string {
	if verb == rotation.Leaked {
		return string(v1alpha1.CauseLeak)
	}
	return string(v1alpha1.CauseRequest)
}

// failed describes what was refused in this pass, if anything was.
func (n *notes) failed(material string) (r record.Rotation, failed bool) {
	if n.refused[material] == nil {
		return record.Rotation{}, false
	}
	turn := n.place.position.Of(material)
	r = record.Rotation{
		Subject: record.SubjectOf("IdentityTenant", n.cr), Material: material, Cause: v1alpha1.CauseSchedule,
		From: &v1alpha1.RotatedMaterial{Generation: int64(turn.Current)}, To: v1alpha1.RotatedMaterial{Generation: int64(turn.Newest() + 1)},
	}
	request, err := rotation.ParseRequest(n.cr.Annotations[v1alpha1.AnnotationRotate], v1alpha1.ReasonInvalidSpec)
	_, named := request.Materials[material]
	if err == nil && request.Token != "" && request.Token != turn.Request && (named || len(request.Materials) == 0) {
		r.Cause, r.Request, r.Attempt = v1alpha1.RotationCause(causeOf(request.Materials[material])), request.Token, request.Token
		return r, true
	}
	due := n.rotations[material].NextDue
	r.Attempt = due.UTC().Format(time.RFC3339)
	return r, !due.IsZero() && !due.After(n.Clock.Now()) // else it did not begin to rotate
}

// note writes down how far the rotation came that led to a turn.
func (n *notes) note(ctx context.Context, material rotatable, turn vault.Turn, r record.Rotation) error {
	entries := []record.Entry{n.started(ctx, r, turn.Run), record.Did(v1alpha1.StepKeyMade, made(r))}
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
	serving, err := n.serving(ctx, material, r)
	if err != nil {
		return err
	}
	if serving != "" {
		entries = append(entries, record.Did(v1alpha1.StepServing, serving))
		if material.closes && turn.Previous == 0 {
			entries = append(entries, record.Did(stepRetired, "What was in use before is closed"))
		}
		if material.settled(turn, n.serves(material, n.served)) {
			entries = append(entries, record.Ended(v1alpha1.RotationSucceeded))
		}
	}
	return n.writer.Note(ctx, r, entries...)
}

func made(r record.Rotation) string {
	if len(r.To.Fingerprints) > 0 {
		return fmt.Sprintf("Version %d of its Keystore holds it, and its key is in Vault", r.To.Generation)
	}
	return fmt.Sprintf("Generation %d is in Vault and is named by the position there", r.To.Generation)
}

// started tells why, and who asked. The API server alone knows that, and is asked once for a record.
func (n *notes) started(ctx context.Context, r record.Rotation, run string) record.Entry {
	if known := n.find(r); known != nil && record.HasStep(known.Status, v1alpha1.StepStarted) {
		return record.Did(v1alpha1.StepStarted, "")
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
	if manager := record.Asker(live, token); manager != "" {
		return " by " + manager
	}
	return ""
}

// applied says where what pods start from holds the material; empty: it does not yet.
func (n *notes) applied(ctx context.Context, material rotatable, r record.Rotation) (string, error) {
	switch {
	case material.live && !n.serves(material, false):
		return "", nil
	case material.live:
		return "The running server holds the keys, without a rollout", nil
	case !material.inPods:
		return "The server took the new value before the position named it", nil
	}
	secret := n.secretOf(material.name)
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

// secretOf is the Secret in which pods find a material now; empty: nobody could look.
func (n *notes) secretOf(material string) string {
	if fact, isStore := n.report.Seen.Keystores[tenant.KeystoreRole(material)]; isStore {
		return fact.SecretName
	}
	return n.credentials
}

// serving says how it was seen that the server uses the material; empty: it was not yet.
func (n *notes) serving(ctx context.Context, material rotatable, r record.Rotation) (string, error) {
	seen := n.report.Seen
	if material.live {
		if !n.serves(material, false) || len(r.To.KeyIDs) == 0 {
			return "", nil
		}
		return "Every realm signs with " + r.To.KeyIDs[0] + ", as the server tells", nil
	}
	if !material.inPods {
		if settings, ran := n.report.Outcome(v1alpha1.ConditionSettingsApplied); !ran || !settings.Met() {
			return "", nil
		}
		return fmt.Sprintf("The server lets the account in with generation %d", r.To.Generation), nil
	}
	if !n.served {
		return "", nil
	}
	_, isStore := seen.Keystores[tenant.KeystoreRole(material.name)]
	if isStore {
		if all, err := n.allPodsName(ctx, n.report.Want, n.secretOf(material.name)); err != nil || !all {
			return "", err
		}
	}
	if material.name == string(tenant.RoleTLS) {
		if seen.Served == nil {
			return "", nil
		}
		return fmt.Sprintf("%d pods serve the certificate with serial %s, read over TLS", seen.Served.Pods, seen.Served.Serial), nil
	}
	message := fmt.Sprintf("%d of %d pods are ready and run revision %s", seen.Pods.Ready, seen.Pods.Wanted, seen.ServingRevision)
	if len(r.To.KeyIDs) > 0 && material.name == string(tenant.RoleSigning) {
		message += ", and sign with " + r.To.KeyIDs[0]
	}
	return message, nil
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

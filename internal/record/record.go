// Package record writes down rotations as RotationRecords: which object one is, and what its
// status becomes with a further step, are pure functions; Writer sends them.
//
// A controller describes the rotation, the same in each pass, and notes whatever is done so
// far. What is noted already costs nothing, so it need not remember where it was:
//
//	turn := record.Rotation{
//		Subject: record.SubjectOf("IdentityTenant", cr), Material: "token-signing", Cause: v1alpha1.CauseSchedule,
//		From: &v1alpha1.RotatedMaterial{Generation: 2, KeyIDs: []string{"signing-2"}},
//		To:   v1alpha1.RotatedMaterial{Generation: 3, KeyIDs: []string{"signing-3"}},
//	}
//	err := writer.Note(ctx, turn,
//		record.Did(v1alpha1.StepStarted, "Due since 2027-01-01T03:00:00Z"),
//		record.Did(v1alpha1.StepKeyMade, "Position 7 in Vault names generation 3"))
//	// and once the live server shows it:
//	err = writer.Note(ctx, turn, record.Did(v1alpha1.StepServing, "2 of 2 pods sign with signing-3"), record.Ended(v1alpha1.RotationSucceeded))
//
// A record is for people. No decision rests on one, and none is held up by what one may not hold:
// texts are cut and ids that could be secrets are left out before they are sent.
package record

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Subject is the object whose material rotates.
type Subject struct {
	// Kind is IdentityTenant or Keystore.
	Kind            string
	Namespace, Name string
	UID             types.UID
}

// SubjectOf takes a subject from its custom resource. The kind is an argument because objects
// that were read do not carry theirs.
func SubjectOf(kind string, object client.Object) Subject {
	return Subject{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName(), UID: object.GetUID()}
}

// Rotation is one rotation of one material. What it becomes is decided by Subject, Material and
// To.Generation, and Attempt: the same are the same record, whatever the rest says.
type Rotation struct {
	Subject  Subject
	Material string
	Cause    v1alpha1.RotationCause
	// Request is the token of whoever asked; empty when nobody did.
	Request string
	// From is nil when nothing was in use before.
	From *v1alpha1.RotatedMaterial
	// Attempt names what failed before it made anything, such as its request: another attempt
	// comes to the same generation and is another record. Empty for a rotation that happened.
	Attempt string
	// To has the newest generation that this rotation makes, so that the two halves of a
	// rotation after a leak (a fresh next key, then the move) are two records.
	To v1alpha1.RotatedMaterial
}

// Key is where the record of the rotation lies. The digest at the end of the name keeps apart
// what else would read alike: subjects of two kinds, and a subject that was deleted and made again.
func (r Rotation) Key() client.ObjectKey {
	identity := [][]byte{[]byte(r.Subject.Kind), []byte(r.Subject.UID), []byte(r.Subject.Name), []byte(r.Material)}
	if r.Attempt != "" {
		identity = append(identity, []byte(r.Attempt))
	}
	return client.ObjectKey{Namespace: r.Subject.Namespace, Name: tenant.VersionedName(fmt.Sprintf("%s-%s-%d", r.Subject.Name, r.Material, r.To.Generation), identity...)}
}

// Record is the object of the rotation, without status.
func (r Rotation) Record() *v1alpha1.RotationRecord {
	key := r.Key()
	spec := v1alpha1.RotationRecordSpec{
		Subject:  v1alpha1.RotationSubject{Kind: r.Subject.Kind, Name: r.Subject.Name, UID: r.Subject.UID},
		Material: r.Material, Cause: r.Cause, Request: r.Request, To: presentable(r.To),
	}
	if r.From != nil {
		from := presentable(*r.From)
		spec.From = &from
	}
	return &v1alpha1.RotationRecord{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, Labels: Labels(r.Subject.Kind, r.Subject.Name)},
		Spec:       spec,
	}
}

// Labels are those by which the records of a subject are found.
func Labels(kind, name string) map[string]string {
	label := tenant.LabelTenant
	if kind == "Keystore" {
		label = tenant.LabelKeystore
	}
	return map[string]string{label: name, tenant.LabelManagedBy: tenant.ManagedBy, tenant.LabelPartOf: tenant.PartOf}
}

// Same tells whether a record is that of the rotation.
func (r Rotation) Same(record *v1alpha1.RotationRecord) bool {
	subject := record.Spec.Subject
	return subject.Kind == r.Subject.Kind && subject.Name == r.Subject.Name && subject.UID == r.Subject.UID &&
		record.Spec.Material == r.Material && record.Spec.To.Generation == r.To.Generation
}

// Entry is something to note in a record: Did or Ended.
type Entry func(v1alpha1.RotationRecordStatus, time.Time) v1alpha1.RotationRecordStatus

// Did notes a step. The message says in one sentence what was done and how that was checked.
func Did(step v1alpha1.RotationStepName, message string) Entry {
	return func(status v1alpha1.RotationRecordStatus, now time.Time) v1alpha1.RotationRecordStatus {
		return Step(status, step, message, now)
	}
}

// Ended notes the outcome.
func Ended(outcome v1alpha1.RotationOutcome) Entry {
	return func(status v1alpha1.RotationRecordStatus, now time.Time) v1alpha1.RotationRecordStatus {
		return Finish(status, outcome, now)
	}
}

// mostSteps is the API's bound.
const mostSteps = 16

// Step appends a step. A step of that name that is there already, an outcome that is there, and
// a full list leave the status as it is.
func Step(status v1alpha1.RotationRecordStatus, step v1alpha1.RotationStepName, message string, now time.Time) v1alpha1.RotationRecordStatus {
	if status.Outcome != "" || len(status.Steps) >= mostSteps || HasStep(status, step) {
		return status
	}
	status.Steps = append(slices.Clone(status.Steps), v1alpha1.RotationStep{Name: step, Time: metav1.NewTime(now.Truncate(time.Second)), Message: sentence(message)})
	return status
}

// HasStep tells whether a step was noted.
func HasStep(status v1alpha1.RotationRecordStatus, step v1alpha1.RotationStepName) bool {
	return slices.ContainsFunc(status.Steps, func(s v1alpha1.RotationStep) bool { return s.Name == step })
}

// Finish sets the outcome. One that is there already stays.
func Finish(status v1alpha1.RotationRecordStatus, outcome v1alpha1.RotationOutcome, now time.Time) v1alpha1.RotationRecordStatus {
	if status.Outcome != "" {
		return status
	}
	at := metav1.NewTime(now.Truncate(time.Second))
	status.Outcome, status.CompletedAt = outcome, &at
	return status
}

const (
	maxMessage = 256 // characters, the API's bound
	maxIDs     = 8   // of each list, the API's bound
)

// What the API server takes; see api/v1alpha1.
var (
	secretLike  = regexp.MustCompile(`[A-Za-z0-9+/=_]{40,}`)
	keyID       = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]{0,72}[a-z0-9])?|[-_A-Za-z0-9]{43}|[-_A-Za-z0-9]{86}(_[A-Z]{2}[0-9]{3})?)$`)
	fewLetters  = regexp.MustCompile(`[a-z0-9]{40}`)
	serial      = regexp.MustCompile(`^[0-9a-fA-F]{1,40}$`)
	fingerprint = regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`)
	secretName  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)
	digestLike  = regexp.MustCompile(`[a-z0-9]{64}`)
)

// sentence makes a message presentable: one line, bounded, and without anything so long and dense
// that it may be a secret.
func sentence(message string) string {
	message = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(message, "…"))
	message = secretLike.ReplaceAllString(message, "…")
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage-1]) + "…"
	}
	return message
}

// presentable leaves out what has no form of its kind.
func presentable(material v1alpha1.RotatedMaterial) v1alpha1.RotatedMaterial {
	material.KeyIDs = only(material.KeyIDs, func(id string) bool {
		return keyID.MatchString(id) && (len(id) == 43 || len(id) > 74 || !fewLetters.MatchString(id))
	})
	material.Serials = only(material.Serials, serial.MatchString)
	material.Fingerprints = only(material.Fingerprints, fingerprint.MatchString)
	if !secretName.MatchString(material.SecretName) || digestLike.MatchString(material.SecretName) {
		material.SecretName = ""
	}
	return material
}

func only(all []string, fits func(string) bool) (some []string) {
	for _, one := range all {
		if fits(one) && len(some) < maxIDs {
			some = append(some, one)
		}
	}
	return some
}

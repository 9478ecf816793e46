package record

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Writer keeps RotationRecords. It is safe for many goroutines and for two managers at once.
type Writer struct {
	// Client is the manager's: records from its cache, where what is noted already is found
	// without a request.
	Client client.Client
	// Live reads past the cache, before something is written.
	Live  client.Reader
	Clock clock.PassiveClock
}

// Note makes sure that there is a record of the rotation and that it holds the entries, in
// their order behind those that are there. It sends nothing when it holds them already. A record
// that has an outcome stays as it is.
//
// Fault: Terminal NameConflict when the record's name is taken by something else. What the API
// server answers else is returned as it is; noting again later is right and loses only the
// time of a step. A namespace that does not admit the operator forbids the creation.
func (w Writer) Note(ctx context.Context, rotation Rotation, entries ...Entry) error {
	cached := &v1alpha1.RotationRecord{}
	err := w.Client.Get(ctx, rotation.Key(), cached)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read RotationRecord %s: %w", rotation.Key(), err)
	}
	if err == nil && rotation.Same(cached) && equality.Semantic.DeepEqual(cached.Status, w.with(cached.Status, entries)) {
		return nil
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error { return w.write(ctx, rotation, entries) })
}

// write looks at the live record. The patch carries its resource version, because it replaces
// the list of steps.
func (w Writer) write(ctx context.Context, rotation Rotation, entries []Entry) error {
	live := &v1alpha1.RotationRecord{}
	err := w.Live.Get(ctx, rotation.Key(), live)
	if apierrors.IsNotFound(err) {
		live = rotation.Record()
		if err = w.Client.Create(ctx, live); apierrors.IsAlreadyExists(err) {
			err = w.Live.Get(ctx, rotation.Key(), live) // another manager was quicker
		}
	}
	if err != nil {
		return fmt.Errorf("write RotationRecord %s: %w", rotation.Key(), err)
	}
	if !rotation.Same(live) {
		return fault.Terminal(v1alpha1.ReasonNameConflict, "RotationRecord %s is of another rotation: delete it, so that this one can be written down", rotation.Key())
	}
	return w.update(ctx, live, w.with(live.Status, entries))
}

// update writes the status of a record that was read just now, if it is another.
func (w Writer) update(ctx context.Context, live *v1alpha1.RotationRecord, status v1alpha1.RotationRecordStatus) error {
	if equality.Semantic.DeepEqual(live.Status, status) {
		return nil
	}
	before := live.DeepCopy()
	live.Status = status
	if err := w.Client.Status().Patch(ctx, live, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("write the status of RotationRecord %s: %w", client.ObjectKeyFromObject(live), err)
	}
	return nil
}

// End gives a record that is there an outcome. One that has an outcome stays, and one that is gone is no fault.
func (w Writer) End(ctx context.Context, key client.ObjectKey, outcome v1alpha1.RotationOutcome) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live := &v1alpha1.RotationRecord{}
		if err := w.Live.Get(ctx, key, live); err != nil {
			return client.IgnoreNotFound(err)
		}
		return w.update(ctx, live, w.with(live.Status, []Entry{Ended(outcome)}))
	})
}

func (w Writer) with(status v1alpha1.RotationRecordStatus, entries []Entry) v1alpha1.RotationRecordStatus {
	for _, entry := range entries {
		status = entry(status, w.Clock.Now())
	}
	return status
}

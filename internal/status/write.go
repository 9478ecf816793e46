package status

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Write patches the status of after when it differs from that of before, and sends
// nothing otherwise. An object that is gone is no error. One that somebody wrote to since
// before was read is a conflict: of two operators the later would otherwise leave a status
// that is half of either, or that was true before the other's.
func Write(ctx context.Context, c client.Client, before, after client.Object) error {
	if equality.Semantic.DeepEqual(before, after) {
		return nil
	}
	// Times are kept to the second, so that what differs may be nothing that is sent.
	if changed, err := client.MergeFrom(before).Data(after); err != nil || string(changed) == "{}" {
		return err
	}
	if err := c.Status().Patch(ctx, after, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return nil
}

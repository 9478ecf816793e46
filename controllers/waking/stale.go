package waking

import (
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// catchUp is how soon a pass over an object that the cache shows as it was is tried again.
const catchUp = 100 * time.Millisecond

// Stale knows which resource versions of an object a controller has itself written over. A
// cache may lag behind, and a pass over what it still shows would write the same status
// and tell the same events once more. The zero value is ready, and safe for many goroutines.
type Stale struct{ over sync.Map } // types.NamespacedName to []string

// Wrote notes that before, as it was read, was written over and became after.
func (s *Stale) Wrote(before, after client.Object) {
	key := client.ObjectKeyFromObject(after)
	if before.GetResourceVersion() == after.GetResourceVersion() {
		return // the write changed nothing, and no update will come
	}
	var versions []string
	if known, ok := s.over.Load(key); ok {
		versions = known.([]string)
	}
	s.over.Store(key, append(versions[:len(versions):len(versions)], before.GetResourceVersion()))
}

// Read tells whether an object that was read is older than what was written, and when to
// look again.
func (s *Stale) Read(object client.Object) (ctrl.Result, bool) {
	key := client.ObjectKeyFromObject(object)
	known, ok := s.over.Load(key)
	if !ok {
		return ctrl.Result{}, false
	}
	for _, version := range known.([]string) {
		if version == object.GetResourceVersion() {
			return ctrl.Result{RequeueAfter: catchUp}, true
		}
	}
	s.over.Delete(key) // the cache has come past them
	return ctrl.Result{}, false
}

// Late answers for a status that could not be written: where somebody wrote to the object
// since it was read, it is read again, and nothing was wrong.
func Late(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: catchUp}, nil
	}
	return ctrl.Result{}, err
}

// Forget drops what is known of an object that is gone.
func (s *Stale) Forget(key types.NamespacedName) { s.over.Delete(key) }

package vault

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// MaterialPosition is the material under which an object's position lies, in
// generation 1. Nothing else of an object may have this name.
const MaterialPosition = "position"

// Turn is where one material stands: which of its generations are in use.
type Turn struct {
	// Previous is the generation before the current one while it is still of use; 0: none.
	Previous int `json:"previous,omitempty"`
	// Current is the generation in use, from 1.
	Current int `json:"current"`
	// Next is the generation that is published before it is used; 0: none.
	Next int `json:"next,omitempty"`
	// Request is the token of the last request that was handled. It is handled once.
	Request string `json:"request,omitempty"`
	// Run is the token of the last run by a schedule. It stands beside Request, so that a
	// request that stays where it was written is not taken for a new one after the run.
	Run string `json:"run,omitempty"`
	// Pending is the token for which another key than Current was asked of somebody who
	// makes it by himself, such as cert-manager. Empty: nothing is asked.
	Pending string `json:"pending,omitempty"`
	// At is when the material came to Current; zero when it never moved.
	At time.Time `json:"at,omitzero"`
	// From is the generation that was in use before Current, also when it is of no use any
	// more; 0: not known.
	From int `json:"from,omitempty"`
	// Cause is why it came to Current, in the words of a RotationRecord. Empty: not known.
	Cause string `json:"cause,omitempty"`
	// Of is the UID of the object whose rotation it was: one of the same name that is made
	// later takes up what lies here, and has rotated nothing.
	Of string `json:"of,omitempty"`
}

// Newest is the highest generation that the turn names.
func (t Turn) Newest() int { return max(t.Previous, t.Current, t.Next) }

// Position is the turn of each material of one object. It is one value in Vault, written with
// check-and-set only, so each write of it is one step of all the materials that it changes, of
// which two managers never do two. A value is made before the position names it.
type Position map[string]Turn

// Of gives the turn of a material: {Current: 1} for one that never moved, of which nothing is
// written down.
func (p Position) Of(material string) Turn {
	if turn, moved := p[material]; moved {
		return turn
	}
	return Turn{Current: 1}
}

// Handled reports whether a request was handled for any material. All that a request asks for
// is written at once.
func (p Position) Handled(token string) bool {
	for _, turn := range p {
		if token != "" && turn.Request == token {
			return true
		}
	}
	return false
}

// PositionPath is where the position of an object lies, relative to the mount. Fault: as Path.
func PositionPath(prefix, namespace, kind, name string) (string, error) {
	return Path(prefix, namespace, kind, name, MaterialPosition, 1)
}

// ReadPosition reads a position and its version. An object that never rotated has none: it is
// empty, version 0, and no fault. The caller who may take over what another owner wrote calls
// Adopt and reads again.
//
// Faults: ReasonOwnedByOther, ReasonValueDeleted (also for what is no position), and those of KV.
func ReadPosition(ctx context.Context, kv KV, mount, path string, owner Owner) (Position, int, error) {
	if err := owner.check(); err != nil {
		return nil, 0, err
	}
	entry, err := readOwn(ctx, kv, mount, path, owner)
	if errors.Is(err, ErrNotFound) {
		return Position{}, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	position := Position{}
	for material, text := range entry.Data {
		var turn Turn
		if err := json.Unmarshal([]byte(text), &turn); err != nil || turn.Current < 1 || turn.Previous < 0 || turn.Next < 0 {
			return nil, 0, fault.Terminal(ReasonValueDeleted,
				"Field %.80q of %s/%s in Vault does not say where a material stands; roll the value back", material, mount, path).After(retryByHand)
		}
		position[material] = turn
	}
	return position, entry.Version, nil
}

// WritePosition writes a position over the version that was read, 0 for none, and returns the
// version that it has now. Times are kept in UTC. After any error it has to be read again: the
// write may be done although its answer was lost.
//
// Faults: those of KV; ErrConflict when somebody else wrote since.
func WritePosition(ctx context.Context, kv KV, mount, path string, owner Owner, position Position, version int) (int, error) {
	if err := owner.check(); err != nil {
		return 0, err
	}
	data := make(map[string]string, len(position))
	for material, turn := range position {
		turn.At = turn.At.UTC()
		text, err := json.Marshal(turn)
		if err != nil {
			return 0, err
		}
		data[material] = string(text)
	}
	if version == 0 {
		return kv.Create(ctx, mount, path, marked(data, owner))
	}
	return kv.Update(ctx, mount, path, marked(data, owner), version)
}

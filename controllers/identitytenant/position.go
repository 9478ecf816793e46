package identitytenant

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// place is where a tenant's materials stand, as Vault has it.
type place struct {
	position vault.Position
	version  int
}

// turn gives where a material stands. The position is read once a pass, and again after a
// write of it that failed.
func (p *pass) turn(ctx context.Context, want tenant.Spec, seen tenant.Facts, material string) (vault.Turn, error) {
	if p.place == nil && p.placeless == nil {
		p.placeless = p.readPlace(ctx, want, seen)
	}
	if p.placeless != nil {
		return vault.Turn{}, p.placeless // a Vault that is away is not asked for each material
	}
	return p.place.position.Of(material), nil
}

func (p *pass) readPlace(ctx context.Context, want tenant.Spec, seen tenant.Facts) error {
	path, err := vault.PositionPath(p.engine.Prefix, want.Namespace, vaultKind, want.Name)
	if err != nil {
		return err
	}
	if p.adopts() {
		if _, err := vault.Adopt(ctx, p.kv, p.engine.Mount, path, owner(want, seen)); err != nil && !errors.Is(err, vault.ErrNotFound) {
			return err
		}
	}
	position, version, err := vault.ReadPosition(ctx, p.kv, p.engine.Mount, path, owner(want, seen))
	if err != nil {
		return err
	}
	p.place = &place{position, version}
	if p.began == nil {
		p.began = position
	}
	return nil
}

// move has a material stand elsewhere: this write, of which two managers never do both, is
// the rotation. turn was called before it.
func (p *pass) move(ctx context.Context, want tenant.Spec, seen tenant.Facts, material string, to vault.Turn) error {
	path, err := vault.PositionPath(p.engine.Prefix, want.Namespace, vaultKind, want.Name)
	if err != nil {
		return err
	}
	if before := p.place.position.Of(material); before.Current != to.Current {
		to.From, to.Of = before.Current, string(p.cr.UID)
	}
	moved := place{position: vault.Position{}}
	maps.Copy(moved.position, p.place.position)
	moved.position[material] = to
	moved.version, err = vault.WritePosition(ctx, p.kv, p.engine.Mount, path, owner(want, seen), moved.position, p.place.version)
	if err != nil {
		p.place = nil // the write may be done although its answer was lost
		return err
	}
	p.place = &moved
	return nil
}

func owner(want tenant.Spec, seen tenant.Facts) vault.Owner {
	return vault.Owner{Cluster: seen.ClusterID, Namespace: want.Namespace, Kind: vaultKind, Name: want.Name}
}

// adopts tells whether somebody consented to take over values of another owner.
func (p *pass) adopts() bool {
	token := p.cr.Annotations[v1alpha1.AnnotationAdopt]
	return token != "" && (p.cr.Status.Requests == nil || p.cr.Status.Requests.Adopt != token)
}

// which identifies a generation of a material among those that a pass has read.
type which struct {
	material   string
	generation int
}

// inUse gives a value that the position names. The first generation is made when there is
// none, since a tenant begins with it; a later one was there once, and another in its
// place would not be what the server and its data know.
func (p *pass) inUse(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, generation int) (map[string]string, error) {
	return p.ensureValue(ctx, want, seen, which{material.Name, generation}, func(path string) (map[string]string, error) {
		switch {
		case material.Irreplaceable && generation > 1:
			return nil, fault.Terminal(v1alpha1.ReasonDataKeyMissing,
				"Vault has no %s at %s/%s any more, and what the server stored cannot be read without it: restore the value there", material.Name, p.engine.Mount, path)
		case generation > 1:
			return nil, fault.Terminal(v1alpha1.ReasonVaultValueMissing,
				"Vault has no %s at %s/%s any more, which the server knows: restore the value there", material.Name, p.engine.Mount, path)
		case material.Irreplaceable && seen.Schema != nil && seen.Schema.HadData:
			return nil, fault.Terminal(v1alpha1.ReasonDataKeyMissing,
				"the database %s held data before, and Vault has no %s at %s/%s that could read it: restore the value there, or use an empty database", want.Database.Name, material.Name, p.engine.Mount, path)
		case material.Irreplaceable:
			if err := p.neverServed(ctx, want, material.Name, path); err != nil {
				return nil, err
			}
		}
		return material.Generate(nil)
	})
}

// neverServed refuses a first value for a server that runs with one already, which only a Vault
// that lost it does not know.
func (p *pass) neverServed(ctx context.Context, want tenant.Spec, material, path string) error {
	set, err := p.statefulSet(ctx, want)
	if err != nil || set == nil {
		return err
	}
	return fault.Terminal(v1alpha1.ReasonDataKeyMissing,
		"the server runs with a %s, and Vault has none at %s/%s any more: restore the value there; the Secret %s of its pods holds it still",
		material, p.engine.Mount, path, credentialsOf(want, set))
}

// successor gives a generation that nothing names yet, and makes it when there is none: one
// that an earlier pass made, and did not come to use, is taken up.
func (p *pass) successor(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, current map[string]string, generation int) (map[string]string, error) {
	return p.ensureValue(ctx, want, seen, which{material.Name, generation}, func(string) (map[string]string, error) {
		return material.Generate(current)
	})
}

// mostStaged is how many generations are made for one rotation, since a server can refuse a
// password that was drawn at random.
const mostStaged = 4

var errAbsent = errors.New("no such generation")

// staged gives the generations after the current one that earlier passes made and did not
// come to use, the oldest first.
func (p *pass) staged(ctx context.Context, want tenant.Spec, seen tenant.Facts, material string, current int) ([]map[string]string, error) {
	var values []map[string]string
	for generation := current + 1; generation <= current+mostStaged; generation++ {
		value, err := p.ensureValue(ctx, want, seen, which{material, generation}, func(string) (map[string]string, error) { return nil, errAbsent })
		if errors.Is(err, errAbsent) {
			break
		}
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

// ensureValue reads a generation of a material, once a pass, and makes it when there is none.
// The finalizer comes before the first value that is made.
func (p *pass) ensureValue(ctx context.Context, want tenant.Spec, seen tenant.Facts, key which, generate func(path string) (map[string]string, error)) (map[string]string, error) {
	if value, known := p.values[key]; known {
		return value, nil
	}
	path, err := vault.Path(p.engine.Prefix, want.Namespace, vaultKind, want.Name, key.material, key.generation)
	if err != nil {
		return nil, err
	}
	var entry vault.Entry
	err = vault.ErrNotFound
	if p.adopts() {
		entry, err = vault.Adopt(ctx, p.kv, p.engine.Mount, path, owner(want, seen))
	}
	if errors.Is(err, vault.ErrNotFound) {
		entry, _, err = vault.Ensure(ctx, p.kv, p.engine.Mount, path, owner(want, seen), func() (map[string]string, error) {
			value, err := generate(path)
			if err != nil {
				return nil, err
			}
			return value, p.addFinalizer(ctx)
		})
	}
	if err != nil {
		return nil, err
	}
	if err := p.addFinalizer(ctx); err != nil {
		return nil, err
	}
	p.values[key] = entry.Data
	return entry.Data, nil
}

// material finds a material of the product by its name.
func (p *pass) material(want tenant.Spec, name string) (idp.Material, error) {
	for _, material := range p.driver.Materials(want) {
		if material.Name == name {
			return material, nil
		}
	}
	return idp.Material{}, fmt.Errorf("the driver of %s has no material %s", want.Product, name)
}

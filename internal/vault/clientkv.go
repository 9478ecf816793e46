package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

var _ KV = (*Client)(nil)

// Read implements KV.
func (c *Client) Read(ctx context.Context, mount, path string) (Entry, error) {
	op := operation{verb: "read", path: mount + "/data/" + path, capabilities: `"read"`}
	var found *api.KVSecret
	err := c.onMount(ctx, mount, path, op, func(v *api.Client) (err error) {
		found, err = v.KVv2(mount).Get(ctx, path)
		if errors.Is(err, api.ErrSecretNotFound) {
			found, err = nil, nil
		}
		return err
	})
	switch {
	case err != nil:
		return Entry{}, err
	case found == nil || found.VersionMetadata == nil:
		return Entry{}, NotFound(mount, path)
	case found.Data == nil:
		return Entry{}, Deleted(mount, path, found.VersionMetadata.Version, found.VersionMetadata.Destroyed)
	}
	return Entry{Data: textFields(found.Data), Version: found.VersionMetadata.Version}, nil
}

// Create implements KV.
func (c *Client) Create(ctx context.Context, mount, path string, data map[string]string) (int, error) {
	// Over an existing value Vault asks for update before it looks at the check.
	op := operation{verb: "create", path: mount + "/data/" + path, capabilities: `"create" and "update"`, carriesValue: true}
	return c.put(ctx, mount, path, data, 0, op)
}

// Update implements KV.
func (c *Client) Update(ctx context.Context, mount, path string, data map[string]string, version int) (int, error) {
	op := operation{verb: "update", path: mount + "/data/" + path, capabilities: `"update"`, carriesValue: true}
	return c.put(ctx, mount, path, data, version, op)
}

func (c *Client) put(ctx context.Context, mount, path string, data map[string]string, version int, op operation) (int, error) {
	fields := make(map[string]any, len(data))
	for k, v := range data {
		fields[k] = v
	}
	var written *api.KVSecret
	conflict := false
	err := c.onMount(ctx, mount, path, op, func(v *api.Client) (err error) {
		written, err = v.KVv2(mount).Put(ctx, path, fields, api.WithCheckAndSet(version))
		if conflict = lostRace(err); conflict {
			return nil // an answer like any other: Vault serves us
		}
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case conflict:
		return 0, Conflict(mount, path)
	case written.VersionMetadata == nil:
		return 0, fmt.Errorf("VaultConnection %s: Vault did not tell the version that it wrote to %s", c.conn.Name, op.path)
	}
	return written.VersionMetadata.Version, nil
}

// Delete implements KV.
func (c *Client) Delete(ctx context.Context, mount, path string) error {
	op := operation{verb: "delete", path: mount + "/metadata/" + path, capabilities: `"delete"`}
	return c.onMount(ctx, mount, path, op, func(v *api.Client) error {
		return v.KVv2(mount).DeleteMetadata(ctx, path)
	})
}

// List implements KV.
func (c *Client) List(ctx context.Context, mount, path string) ([]string, error) {
	op := operation{verb: "list", path: mount + "/metadata/" + path + "/", capabilities: `"list"`}
	var names []string
	err := c.onMount(ctx, mount, path, op, func(v *api.Client) error {
		answer, err := v.Logical().ListWithContext(ctx, mount+"/metadata/"+path)
		if err != nil || answer == nil {
			return err
		}
		keys, _ := answer.Data["keys"].([]any)
		for _, key := range keys {
			if name, ok := key.(string); ok {
				names = append(names, name)
			}
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// onMount runs a request after the mount was seen to be KV v2. Without that
// look a KV v1 mount would take our writes as plain values, without any check.
func (c *Client) onMount(ctx context.Context, mount, path string, op operation, request func(*api.Client) error) error {
	for _, p := range []string{mount, path} {
		if err := CheckPath(p); err != nil {
			return fmt.Errorf("VaultConnection %s: %w", c.conn.Name, err)
		}
	}
	if _, known := c.mounts.Load(mount); !known {
		if err := c.lookAtMount(ctx, mount, op); err != nil {
			return err
		}
		c.mounts.Store(mount, true)
	}
	return c.do(ctx, op, request)
}

// lookAtMount sees to it that the mount is KV v2.
func (c *Client) lookAtMount(ctx context.Context, mount string, op operation) error {
	seen, err := c.mountAt(ctx, mount, op)
	switch {
	case err != nil:
		return err
	case seen.Path != mount+"/":
		return c.mountMissing(mount)
	case seen.Type != "kv":
		return fault.Terminal(ReasonMountMissing, "VaultConnection %s: %s is a %s engine; name the mount of a KV v2 engine",
			c.conn.Name, mount, seen.Type).After(retryByHand)
	case seen.Options["version"] != "2":
		return fault.Terminal(ReasonKVVersion,
			"VaultConnection %s: the KV engine at %s is version 1, which has no check-and-set; run vault kv enable-versioning %s, or name another mount",
			c.conn.Name, mount, mount).After(retryByHand)
	}
	return nil
}

// mounted is what Vault tells of a mount to those who may use it.
type mounted struct {
	Type    string            `json:"type"`
	Path    string            `json:"path"`
	Options map[string]string `json:"options"`
	Config  struct {
		// In seconds, with Vault's own where the mount has none.
		DefaultLeaseTTL int64 `json:"default_lease_ttl"`
		MaxLeaseTTL     int64 `json:"max_lease_ttl"`
	} `json:"config"`
}

// mountAt asks what is mounted, and gives nothing for a missing mount; every token
// with any right under the mount may ask. For all others Vault does not tell a missing
// mount from a forbidden one, so the wanted path itself is asked then.
func (c *Client) mountAt(ctx context.Context, mount string, op operation) (seen mounted, err error) {
	var answer *api.Secret
	err = c.do(ctx, op, func(v *api.Client) (err error) {
		answer, err = v.Logical().ReadWithContext(ctx, "sys/internal/ui/mounts/"+mount)
		if forbidden(err) && !tokenRejected(err) {
			raw, rawErr := v.Logical().ReadRawWithContext(ctx, op.path)
			if raw != nil {
				_ = raw.Body.Close()
			}
			if missing := (*api.ResponseError)(nil); errors.As(rawErr, &missing) && missing.StatusCode == http.StatusNotFound {
				return nil
			}
		}
		return err
	})
	if err == nil && answer != nil {
		text, _ := json.Marshal(answer.Data)
		_ = json.Unmarshal(text, &seen)
	}
	return seen, err
}

func lostRace(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusBadRequest &&
		contains(answer, "check-and-set parameter did not match")
}

// textFields turns the fields of a value, which people may have written too,
// into strings: strings as they are, all else as JSON, null left out.
func textFields(fields map[string]any) map[string]string {
	data := make(map[string]string, len(fields))
	for name, value := range fields {
		switch v := value.(type) {
		case nil:
		case string:
			data[name] = v
		default:
			text, _ := json.Marshal(v)
			data[name] = strings.TrimSpace(string(text))
		}
	}
	return data
}

package localenv

import (
	"context"
	"fmt"
)

// Seal makes Vault forget its keys: it answers 503 to everything but seal status, health and Unseal.
func (v *Vault) Seal(ctx context.Context) error {
	return v.client.Sys().SealWithContext(ctx)
}

// Unseal gives Vault its key back and returns when it serves again.
func (v *Vault) Unseal(ctx context.Context) error {
	if _, err := v.client.Sys().UnsealWithContext(ctx, v.unsealKey); err != nil {
		return fmt.Errorf("unseal vault: %w", err)
	}
	return v.process.waitReady(ctx, func(ctx context.Context) error { // it becomes active a moment after it is unsealed
		health, err := v.client.Sys().HealthWithContext(ctx)
		if err == nil && (health.Sealed || health.Standby) {
			err = fmt.Errorf("sealed %v, standby %v", health.Sealed, health.Standby)
		}
		return err
	})
}

// UnsealKey returns the one key share that Unseal uses.
func (v *Vault) UnsealKey() string { return v.unsealKey }

// Stop ends the server in good order; nothing listens on its address until Restart. The data stays.
func (v *Vault) Stop() { v.process.Stop() }

// Restart starts the server again, after Stopping it if it runs, on the same address and data, and unseals it.
func (v *Vault) Restart(ctx context.Context) error {
	if err := v.RestartSealed(ctx); err != nil {
		return err
	}
	return v.Unseal(ctx)
}

// RestartSealed is Restart without Unseal: what a Vault without auto-unseal is after its node was replaced.
func (v *Vault) RestartSealed(ctx context.Context) error {
	v.Stop()
	return v.run(ctx)
}

// Process returns the running server; after a Restart it is another one.
func (v *Vault) Process() *Process { return v.process }

// Close ends the server and removes its data, unless Dir was given.
func (v *Vault) Close() {
	if v.process != nil {
		v.process.Stop() // not killed: it takes its plugins with it
	}
	v.remove()
}

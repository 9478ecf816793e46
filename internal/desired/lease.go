package desired

import (
	"encoding/json"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Keys of a lease's Secret beside those of an account.
const (
	keyToken = "token"
	keyLease = "lease"
	keyTerms = "terms"
)

// Lease is an account that Vault's database engine made, and the token that it hangs on, as
// its Secret keeps them. The Secret is there before the account: all that was taken with a
// token that is kept can be revoked by it.
type Lease struct {
	Generation int
	Token      string
	// Account is empty until it was taken; ID is Vault's name for the lease.
	Account idp.UsernamePassword
	ID      string
	Terms   LeaseTerms
}

// LeaseTerms are what of a lease is no secret.
type LeaseTerms struct {
	// Role is the engine's mount and the role.
	Role string `json:"role"`
	// Ends is when no renewal prolongs it any more, and Longest how long such an account lives.
	Ends    time.Time     `json:"ends,omitzero"`
	Longest time.Duration `json:"longest,omitempty"`
	// Until is when it ends without another renewal, which grants it TTL; the token likewise.
	Until      time.Time     `json:"until,omitzero"`
	TTL        time.Duration `json:"ttl,omitempty"`
	TokenUntil time.Time     `json:"tokenUntil,omitzero"`
	TokenTTL   time.Duration `json:"tokenTTL,omitempty"`
	// Over says that it is not used any more, or was ended by somebody: its token is revoked,
	// then the Secret is removed.
	Over bool `json:"over,omitempty"`
}

// Held tells whether there is an account that may be used.
func (l Lease) Held() bool { return l.Account.Username != "" && !l.Terms.Over }

// LeaseSecret keeps a lease. It is not immutable: renewals are noted in it.
func LeaseSecret(want tenant.Spec, lease Lease) (*corev1.Secret, error) {
	meta := object(want, want.LeaseName(lease.Generation), tenant.ComponentServer)
	meta.Labels[tenant.LabelLease] = strconv.Itoa(lease.Generation)
	data, err := LeaseData(lease)
	return &corev1.Secret{TypeMeta: typeOf(corev1.SchemeGroupVersion, "Secret"), ObjectMeta: meta, Type: corev1.SecretTypeOpaque, Data: data}, err
}

// LeaseData is the content of a lease's Secret.
func LeaseData(lease Lease) (map[string][]byte, error) {
	for _, t := range []*time.Time{&lease.Terms.Ends, &lease.Terms.Until, &lease.Terms.TokenUntil} {
		*t = t.UTC()
	}
	terms, err := json.Marshal(lease.Terms)
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{keyToken: []byte(lease.Token), keyTerms: terms}
	if lease.Account.Username != "" {
		data[keyUsername], data[keyPassword], data[keyLease] = []byte(lease.Account.Username), []byte(lease.Account.Password), []byte(lease.ID)
	}
	return data, nil
}

// ReadLease reads what LeaseSecret made. Fault: Terminal when somebody changed it.
func ReadLease(kept *corev1.Secret) (Lease, error) {
	lease := Lease{
		Token: string(kept.Data[keyToken]), ID: string(kept.Data[keyLease]),
		Account: idp.UsernamePassword{Username: string(kept.Data[keyUsername]), Password: string(kept.Data[keyPassword])},
	}
	generation, err := strconv.Atoi(kept.Labels[tenant.LabelLease])
	if err == nil {
		err = json.Unmarshal(kept.Data[keyTerms], &lease.Terms)
	}
	if err != nil || lease.Token == "" || generation < 1 {
		return Lease{}, fault.Terminal(reasonInvalidSpec,
			"Secret %s is not what was written for an account of the database: delete it, and another account is taken", kept.Name)
	}
	lease.Generation = generation
	return lease, nil
}

#!/usr/bin/env bash
# Records each kind in each state that the pages of docs/kinds show and the health tests read, on the local environment:
#
#   make demo KEEP=1 && test/gitops/record.sh && make down
#
# Nothing is made up: the operator of the demo writes every status. It begins anew with the namespace's tenant, so that objects
# that nobody looked at yet can be had too, by stopping the operator for a moment.
set -euo pipefail
cd "$(dirname "$0")/../.."
export KUBECONFIG=$PWD/.local/kubeconfig PATH=$PWD/.local/bin:$PATH
source .local/vault.env
data=test/gitops/testdata
operator=$(jq -r '.processes[] | select(.name | startswith("holdfast operator")) | .pid' .local/state.json)

# record KIND NAME CASE: the object as it is now.
record() {
  kubectl get "$1" "$2" -n iam -o yaml | sed '/^  resourceVersion:/d' > "$data/$1.$3.yaml"
  echo "$1 $2: $3"
}
# await KIND NAME JSONPATH WANT: polls until it reads so.
await() {
  for _ in $(seq 600); do
    [ "$(kubectl get "$1" "$2" -n iam -o jsonpath="$3" 2>/dev/null)" = "$4" ] && return 0
    sleep 0.2
  done
  echo "$1 $2 never had $4 at $3" >&2; kubectl get "$1" "$2" -n iam -o yaml >&2
  return 1
}
condition() { echo "{.status.conditions[?(@.type==\"$1\")].$2}"; }
apply() { kubectl apply --server-side --force-conflicts -f - > /dev/null; }

await IdentityTenant acme "$(condition Ready status)" True
kubectl delete identitytenant acme -n iam > /dev/null
kill -STOP "$operator"
apply <<'END'
apiVersion: iam.holdfast.dev/v1alpha1
kind: PasswordPolicy
metadata: {name: staff, namespace: iam}
spec: {length: {min: 14}, lockout: {attempts: 5, duration: 15m}}
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: LogPolicy
metadata: {name: default, namespace: iam}
spec: {masking: [{name: e-mail, pattern: '[A-Za-z0-9._-]+@[A-Za-z0-9.-]+'}]}
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: RotationSchedule
metadata: {name: monthly, namespace: iam}
spec: {cron: 0 3 1 * *, timeZone: Europe/Berlin}
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: HardeningWaiver
metadata: {name: passwords-for-half-a-year, namespace: iam}
spec:
  control: PWD-08
  subject: {kind: PasswordPolicy, name: staff}
  reason: Staff sign in with a second factor, and a change each quarter led to written notes.
  ticket: SEC-1187
  expires: "2098-12-31"
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: Keystore
metadata: {name: app, namespace: iam}
spec:
  vaultRef: {name: vault}
  target: {secretName: app-keystore}
  entries: [{alias: signing, ring: true, certificate: {selfSigned: {}}}]
END
kubectl get vaultconnection vault -n iam -o json | jq '.metadata = {name: "second", namespace: "iam"} | del(.status)' | apply
tenant() { # tenant [MORE-OF-THE-SPEC]
  { cat <<'END'; printf '%s\n' "${1:-}"; } | apply
apiVersion: iam.holdfast.dev/v1alpha1
kind: IdentityTenant
metadata: {name: acme, namespace: iam}
spec:
  product: {wso2is: {version: 7.3.0, image: "registry.example/wso2is-postgresql@sha256:0000000000000000000000000000000000000000000000000000000000000000"}}
  hostname: id.acme.example
  vaultRef: {name: vault}
  issuerRef: {name: internal-ca}
  logPolicyRef: {name: default}
  realms: [{name: root, passwordPolicyRef: {name: staff}, administrators: {rotationRef: {name: monthly}}}]
  database: {postgresql: {host: db.iam.svc, name: identity, credentials: {vaultKV: {path: acme/db}}}}
END
}
tenant
for one in "IdentityTenant acme" "PasswordPolicy staff" "LogPolicy default" "RotationSchedule monthly" "HardeningWaiver passwords-for-half-a-year" \
  "Keystore app" "VaultConnection second"; do record $one unseen; done
kill -CONT "$operator"

# On its way: the first status in which a step waits and something is done already.
await IdentityTenant acme "$(condition KeystoresReady status)" True
record IdentityTenant acme underway
await IdentityTenant acme "$(condition Ready status)" True
record IdentityTenant acme ready
await Keystore app "$(condition Ready status)" True
record Keystore app ready
for one in "PasswordPolicy staff" "LogPolicy default" "RotationSchedule monthly"; do
  await $one "$(condition Ready status)" True
  record $one ready
done
await VaultConnection vault "$(condition Ready status)" True
record VaultConnection vault ready

# A change that is held: the window of nightly is two days away.
day=$(date -u -d '+2 days' +%a)
apply <<END
apiVersion: iam.holdfast.dev/v1alpha1
kind: RotationSchedule
metadata: {name: nightly, namespace: iam}
spec: {windows: [{days: [$day], start: "02:00", duration: 2h}]}
END
tenant '  maintenance: {rotationRef: {name: nightly}}'
await IdentityTenant acme "{.status.observedGeneration}" 2
tenant '  maintenance: {rotationRef: {name: nightly}}
  resources: {cpu: "3"}'
await IdentityTenant acme "$(condition Ready reason)" RolloutScheduled
record IdentityTenant acme held
tenant
await IdentityTenant acme "$(condition Ready reason)" Succeeded

# A person is needed: a host that no NetworkPolicy can name.
kubectl patch identitytenant acme -n iam --type=merge -p '{"spec":{"database":{"postgresql":{"host":"db.corp.example"}}}}' > /dev/null
await IdentityTenant acme "$(condition Stalled reason)" PeerUnknown
record IdentityTenant acme stalled
tenant
await IdentityTenant acme "$(condition Ready reason)" Succeeded
tenant '  suspend: true'
await IdentityTenant acme "$(condition Ready reason)" Suspended
record IdentityTenant acme suspended
tenant
await IdentityTenant acme "$(condition Ready reason)" Succeeded

# Weaker than the profile, without its waiver and with it.
kubectl delete hardeningwaiver passwords-for-half-a-year -n iam > /dev/null
kubectl patch passwordpolicy staff -n iam --type=merge -p '{"spec":{"maxAge":"4320h"}}' > /dev/null
await IdentityTenant acme "$(condition Hardened reason)" HardeningWeak
record IdentityTenant acme weak
waiver() { # waiver NAME CONTROL EXPIRES
  apply <<END
apiVersion: iam.holdfast.dev/v1alpha1
kind: HardeningWaiver
metadata: {name: $1, namespace: iam}
spec:
  control: $2
  subject: {kind: PasswordPolicy, name: staff}
  reason: Staff sign in with a second factor, and a change each quarter led to written notes.
  ticket: SEC-1187
  expires: "$3"
END
}
waiver passwords-for-half-a-year PWD-08 2098-12-31
await HardeningWaiver passwords-for-half-a-year "{.status.usedBy}" acme
await HardeningWaiver passwords-for-half-a-year "$(condition Ready reason)" Succeeded
record HardeningWaiver passwords-for-half-a-year ready
await IdentityTenant acme "$(condition Hardened status)" True
record IdentityTenant acme waived
waiver unused PWD-01 2098-12-31
waiver expired PWD-08 2026-01-31
waiver mistaken PWD-99 2098-12-31
await HardeningWaiver unused "$(condition Ready reason)" Unused
record HardeningWaiver unused unused
await HardeningWaiver expired "$(condition Stalled reason)" WaiverExpired
record HardeningWaiver expired expired
await HardeningWaiver mistaken "$(condition Stalled reason)" InvalidSpec
record HardeningWaiver mistaken stalled

# Policies, schedules and stores that a person has to correct.
kubectl create secret generic taken -n iam --from-literal=of=somebody > /dev/null
apply <<'END'
apiVersion: iam.holdfast.dev/v1alpha1
kind: LogPolicy
metadata: {name: broken, namespace: iam}
spec: {masking: [{name: card, pattern: '[0-9'}]}
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: RotationSchedule
metadata: {name: never, namespace: iam}
spec: {cron: 0 3 30 2 *}
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: RotationSchedule
metadata: {name: freeze, namespace: iam}
spec: {every: 720h, suspend: true}
---
apiVersion: iam.holdfast.dev/v1alpha1
kind: Keystore
metadata: {name: clash, namespace: iam}
spec:
  vaultRef: {name: vault}
  target: {secretName: taken}
  entries: [{alias: signing, certificate: {selfSigned: {}}}]
END
await LogPolicy broken "$(condition Stalled reason)" InvalidSpec
record LogPolicy broken stalled
await RotationSchedule never "$(condition Stalled reason)" InvalidSpec
record RotationSchedule never stalled
await RotationSchedule freeze "$(condition Ready status)" True
record RotationSchedule freeze suspended
await Keystore clash "$(condition Stalled reason)" NameConflict
record Keystore clash stalled

# A rotation: on its way, done, and refused, since a second data key would make data unreadable.
outcome() { kubectl get rotationrecords -n iam -o json | jq -r --arg material "$1" --arg outcome "$2" '[.items[] | select(.spec.material == $material and (.status.outcome // "") == $outcome)] | last | .metadata.name // empty'; }
find() { # find CASE MATERIAL OUTCOME
  for _ in $(seq 600); do
    name=$(outcome "$2" "$3")
    [ -n "$name" ] && { record RotationRecord "$name" "$1"; return 0; }
    sleep 0.1
  done
  echo "no record of $2 with the outcome '$3'" >&2; kubectl get rotationrecords -n iam -o wide >&2
  return 1
}
kubectl annotate identitytenant acme -n iam iam.holdfast.dev/rotate="first system" > /dev/null
find underway system ""
await IdentityTenant acme "$(condition UpToDate reason)" Progressing
record IdentityTenant acme rotating
await IdentityTenant acme "{.status.requests.rotate}" first
find succeeded system Succeeded
for token in second third; do
  kubectl annotate identitytenant acme -n iam iam.holdfast.dev/rotate="$token data-key" --overwrite > /dev/null
  [ $token = third ] || await IdentityTenant acme "{.status.requests.rotate}" $token
done
find failed data-key Failed
record IdentityTenant acme refused
kubectl annotate identitytenant acme -n iam iam.holdfast.dev/rotate- > /dev/null

# Vault: an account that it does not let in, none to sign in with, and sealed.
kubectl get vaultconnection vault -n iam -o json | jq '.metadata = {name: "other", namespace: "iam"} | .spec.auth.kubernetes.role = "nobody" | del(.status)' | apply
await VaultConnection other "$(condition Ready reason)" VaultLoginFailed
record VaultConnection other refused
kubectl delete serviceaccount holdfast-vault -n iam > /dev/null
kubectl get vaultconnection vault -n iam -o json | jq '.metadata = {name: "fresh", namespace: "iam"} | del(.status)' | apply
await VaultConnection fresh "$(condition Ready reason)" NotFound
record VaultConnection fresh missing
kubectl create serviceaccount holdfast-vault -n iam > /dev/null
vault operator seal > /dev/null
for one in "identitytenant acme" "keystore app"; do kubectl annotate $one -n iam iam.holdfast.dev/reconcile=sealed > /dev/null; done
apply <<'END'
apiVersion: iam.holdfast.dev/v1alpha1
kind: Keystore
metadata: {name: late, namespace: iam}
spec:
  vaultRef: {name: vault}
  entries: [{alias: signing, certificate: {selfSigned: {}}}]
END
kubectl label vaultconnection vault -n iam seen=sealed > /dev/null
await IdentityTenant acme "$(condition VaultReady reason)" VaultSealed
record IdentityTenant acme sealed
await Keystore app "$(condition VaultReady reason)" VaultSealed
record Keystore app sealed
await Keystore late "$(condition Ready reason)" VaultSealed
record Keystore late waiting
kubectl patch vaultconnection vault -n iam --type=merge -p '{"metadata":{"annotations":{"iam.holdfast.dev/reconcile":"sealed"}}}' > /dev/null
await VaultConnection vault "$(condition Ready reason)" VaultSealed
record VaultConnection vault sealed
vault operator unseal "$VAULT_UNSEAL_KEY" > /dev/null

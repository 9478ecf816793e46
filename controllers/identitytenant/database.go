package identitytenant

import (
	"context"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// retiredJobRetry is when to look again for the pods of a removed Job, which are not watched.
const retiredJobRetry = 2 * time.Second

// prepareSchema runs the image's schema scripts in a Job, once for each image, and
// keeps the proof outside the Job, so that its removal never runs it again.
func (p *pass) prepareSchema(ctx context.Context, want tenant.Spec, seen tenant.Facts) error {
	proof, err := p.schemaProof(ctx, want)
	if err != nil || proof != nil && proof.Image == want.Image {
		return err
	}
	accounts, err := p.schemaAccounts(ctx, want, seen)
	if err != nil {
		return err
	}
	secret, err := desired.SchemaCredentialsSecret(want, accounts, p.storeKey)
	if err != nil {
		return err
	}
	objects, err := p.driver.SchemaJob(want, seen, secret.Name)
	if err != nil {
		return err
	}
	job := &batchv1.Job{}
	err = p.client.Get(ctx, client.ObjectKeyFromObject(objects[0]), job)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read the schema Job: %w", err)
	}
	switch {
	case err == nil && finished(job, batchv1.JobComplete):
		return p.recordSchema(ctx, want, job, proof)
	case err == nil && finished(job, batchv1.JobFailed):
		return p.schemaFailed(ctx, job)
	}
	if err := p.retireJobs(ctx, want, objects[0].GetName()); err != nil {
		return err
	}
	// The Job's pod runs as the tenant's own ServiceAccount, which the workload has too, and it is there first.
	if err := p.put(ctx, desired.ServiceAccount(want)...); err != nil {
		return err
	}
	if err := p.put(ctx, secret); err != nil {
		return err
	}
	// So is all that the Job's pod reads: an operator that ends in between leaves no Job without it.
	if err := p.put(ctx, objects[1:]...); err != nil {
		return err
	}
	return p.put(ctx, objects[0])
}

// schemaAccounts reads what the schema Job is given.
func (p *pass) schemaAccounts(ctx context.Context, want tenant.Spec, seen tenant.Facts) (accounts desired.SchemaAccounts, err error) {
	if accounts.Owner, err = p.account(ctx, want, want.Database.SchemaOwner, "the schema's owner"); err != nil {
		return accounts, err
	}
	// Accounts that come and go are granted nothing: what all of them are members of is.
	accounts.Grantee = want.Database.Credentials.MemberOf
	if want.Database.SchemaOwner != want.Database.Credentials && want.Database.Credentials.Role == "" {
		server, err := p.account(ctx, want, want.Database.Credentials, "the database")
		if err != nil {
			return accounts, err
		}
		accounts.Grantee = server.Username
	}
	for _, material := range p.driver.Materials(want) {
		if !material.Once {
			continue
		}
		value, err := p.inUse(ctx, want, seen, material, 1)
		if err != nil {
			return accounts, err
		}
		accounts.First = accountOf(value)
	}
	return accounts, nil
}

// retireJobs removes unfinished schema Jobs of another name, which were made for what the
// spec said before, so that two never work on one database.
func (p *pass) retireJobs(ctx context.Context, want tenant.Spec, current string) error {
	var jobs batchv1.JobList
	labels := client.MatchingLabels{tenant.LabelTenant: want.Name, tenant.LabelComponent: tenant.ComponentSchema}
	if err := p.client.List(ctx, &jobs, client.InNamespace(want.Namespace), labels); err != nil {
		return fmt.Errorf("list schema Jobs: %w", err)
	}
	for i := range jobs.Items {
		job := &jobs.Items[i]
		if job.Name == current || finished(job, batchv1.JobComplete) || finished(job, batchv1.JobFailed) {
			continue
		}
		if err := deleteOwned(ctx, p.client, p.cr, job); err != nil {
			return err
		}
	}
	var pods corev1.PodList
	if err := p.client.List(ctx, &pods, client.InNamespace(want.Namespace), client.MatchingLabels(want.SchemaSelector())); err != nil {
		return fmt.Errorf("list pods of schema Jobs: %w", err)
	}
	for _, pod := range pods.Items {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if job := pod.Labels[batchv1.JobNameLabel]; job != current && !ended {
			return fault.Waiting(v1alpha1.ReasonProgressing, "schema Job %s, made for an earlier spec, is being removed", job).After(retiredJobRetry)
		}
	}
	return nil
}

// recordSchema writes the proof. Whether the database held data is what the first look
// ever said: every later Job finds the data of our own server.
func (p *pass) recordSchema(ctx context.Context, want tenant.Spec, job *batchv1.Job, earlier *tenant.SchemaProof) error {
	message, err := p.lastWords(ctx, job)
	if err != nil {
		return err
	}
	proof, err := p.driver.SchemaProof(want, message)
	if err != nil {
		return err
	}
	if earlier != nil {
		proof.HadData = earlier.HadData
	}
	return p.put(ctx, desired.SchemaProofConfigMap(want, proof))
}

func (p *pass) schemaFailed(ctx context.Context, job *batchv1.Job) error {
	message, err := p.lastWords(ctx, job)
	if err != nil {
		return err
	}
	return fault.Terminal(v1alpha1.ReasonSchemaFailed,
		"schema Job %s failed: %s; correct the cause, then delete the Job to have it tried again", job.Name, message)
}

// lastWords reads the termination message of the Job's newest finished pod.
func (p *pass) lastWords(ctx context.Context, job *batchv1.Job) (string, error) {
	var pods corev1.PodList
	if err := p.client.List(ctx, &pods, client.InNamespace(job.Namespace), client.MatchingLabels{batchv1.JobNameLabel: job.Name}); err != nil {
		return "", fmt.Errorf("list pods of the schema Job: %w", err)
	}
	var newest metav1.Time
	message := "its pods are gone, and their last words with them"
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			ended := container.State.Terminated
			if ended != nil && ended.Message != "" && !ended.FinishedAt.Before(&newest) {
				newest, message = ended.FinishedAt, strings.TrimSpace(ended.Message)
			}
		}
	}
	return message, nil
}

func finished(job *batchv1.Job, conditionType batchv1.JobConditionType) bool {
	for _, condition := range job.Status.Conditions {
		if condition.Type == conditionType && condition.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

func (p *pass) observeSchema(ctx context.Context, want tenant.Spec, seen *tenant.Facts) error {
	proof, err := p.schemaProof(ctx, want)
	if err != nil {
		return err
	}
	if proof == nil || proof.Image != want.Image {
		return fault.Waiting(v1alpha1.ReasonProgressing, "the schema Job for this image has not finished yet")
	}
	seen.Schema = proof
	return nil
}

// schemaProof reads the proof, nil when there is none.
func (p *pass) schemaProof(ctx context.Context, want tenant.Spec) (*tenant.SchemaProof, error) {
	kept := &corev1.ConfigMap{}
	err := p.surely(ctx, client.ObjectKey{Namespace: want.Namespace, Name: want.SchemaProofName()}, kept)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // no proof is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("read the proof of the schema: %w", err)
	}
	if owner := metav1.GetControllerOf(kept); owner == nil || owner.UID != want.Owner.UID {
		return nil, fault.Terminal(v1alpha1.ReasonNameConflict, "ConfigMap %s/%s exists and belongs to someone else: delete or rename it, or rename this IdentityTenant", kept.Namespace, kept.Name)
	}
	proof, err := desired.SchemaProof(*kept)
	if err != nil {
		return nil, err
	}
	return &proof, nil
}

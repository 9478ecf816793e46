package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

// askManager is who the API server says has set the annotation, when this command did.
const askManager = "holdfast-cli"

// rotateOptions are the flags of holdfast rotate.
type rotateOptions struct {
	namespace string
	materials []string
	all       bool
	token     string
	yes       bool
	wait      bool
	timeout   time.Duration
	pace      pace
}

// target is an object whose materials rotate: what its kind knows of them.
type target interface {
	object() client.Object
	// word is the kind as the command line writes it, and kind as the API does.
	word() string
	kind() string
	// choose gives what to ask for, or says what is wrong with it.
	choose(options rotateOptions) (map[string]rotation.Verb, error)
	// effects tells what will happen, line by line.
	effects(ctx context.Context, cluster client.Reader, chosen map[string]rotation.Verb, all bool) ([]string, error)
	// irreversible is a sentence about what may be lost; empty: nothing is.
	irreversible(chosen map[string]rotation.Verb) string
	// handled is the last request that is complete.
	handled() string
	conditions() []metav1.Condition
	// waits tells what materials wait for before they rotate.
	waits() []string
}

func rotateCommand() *cobra.Command { return rotateCommandAt(usualPace) }

func rotateCommandAt(pace pace) *cobra.Command {
	options := &rotateOptions{pace: pace}
	command := &cobra.Command{
		Use:   "rotate",
		Short: "Ask for a rotation now, and watch it",
		Long: "Ask for a rotation now, by the annotation " + v1alpha1.AnnotationRotate + ", and watch it with --wait.\n" +
			"What is asked for waits for no schedule and for no window. A request is handled once: asked again it is only watched.\n\n" +
			"Exit codes: 0 it is asked or, with --wait, complete; 1 it could not be asked; 2 it waits for a person (Stalled);\n" +
			"3 it is asked, and not complete after --timeout.",
	}
	flags := command.PersistentFlags()
	flags.StringVarP(&options.namespace, "namespace", "n", "", namespaceFlag)
	flags.StringSliceVar(&options.materials, "material", nil, "what to rotate: NAME, NAME:leaked when somebody else may know it, NAME:drop to forget the former key of a Keystore's ring at once; may be repeated")
	flags.BoolVar(&options.all, "all", false, "after a leak: all that can be replaced, as leaked; prints first what that does")
	flags.StringVar(&options.token, "token", "", "name of the request; default: the time and a random end")
	flags.BoolVar(&options.yes, "yes", false, "do not ask back")
	flags.BoolVar(&options.wait, "wait", false, "show progress until it is complete, a person is needed, or --timeout passes")
	flags.DurationVar(&options.timeout, "timeout", 30*time.Minute, "how long --wait waits")
	command.AddCommand(
		&cobra.Command{
			Use: "tenant NAME", Aliases: []string{"identitytenant", "idt"}, Args: cobra.ExactArgs(1),
			Short: "Rotate keys and secrets of an IdentityTenant",
			Long: "Rotate keys and secrets of an IdentityTenant. Without --material all but data-key and internal rotate, in one rollout.\n" +
				"Those two rotate only when they are named, with --all too. Materials:\n\n" + tenantMaterials.table(),
			Example: "  holdfast rotate tenant acme -n iam --wait\n  holdfast rotate tenant acme --material token-signing:leaked --material system\n  holdfast rotate tenant acme --all --wait",
			RunE: func(command *cobra.Command, names []string) error {
				return rotate(command, *options, &tenantTarget{cr: &v1alpha1.IdentityTenant{}}, names[0])
			},
		},
		&cobra.Command{
			Use: "keystore NAME", Aliases: []string{"iks"}, Args: cobra.ExactArgs(1),
			Short: "Rotate keys of a Keystore, or its password",
			Long: "Rotate keys of a Keystore, or its password, as one new version. Materials are the aliases of its key pairs, and password;\n" +
				"without --material all of them rotate. A ring publishes a key before it signs and keeps the former one until the next\n" +
				"rotation: ALIAS moves it, ALIAS:leaked replaces its next key only, ALIAS:drop moves it and forgets the former key at once.",
			Example: "  holdfast rotate keystore app -n shop --wait\n  holdfast rotate keystore app --material signing:drop",
			RunE: func(command *cobra.Command, names []string) error {
				return rotate(command, *options, &keystoreTarget{cr: &v1alpha1.Keystore{}}, names[0])
			},
		})
	return command
}

// rotate says what will happen, asks for it, and waits when it is told to.
func rotate(command *cobra.Command, options rotateOptions, target target, name string) error {
	ctx, out := command.Context(), command.OutOrStdout()
	cluster, namespace, err := connect(options.namespace)
	if err != nil {
		return err
	}
	if err := find(ctx, cluster, target, client.ObjectKey{Namespace: namespace, Name: name}); err != nil {
		return err
	}
	if options.token == "" {
		options.token = newToken(time.Now())
	}
	chosen, err := target.choose(options)
	if err != nil {
		return err
	}
	request := written(options.token, chosen)
	if _, err := rotation.ParseRequest(request, v1alpha1.ReasonInvalidSpec); err != nil || len(strings.Fields(options.token)) != 1 {
		return fmt.Errorf("--token %q: write a token of letters, digits, dots, hyphens and underscores, such as a date", options.token)
	}
	asked := target.object().GetAnnotations()[v1alpha1.AnnotationRotate]
	if asked == request && target.handled() == options.token {
		fmt.Fprintf(out, "The request %s is complete.\n", options.token)
		return nil
	}
	if asked != request {
		if err := announce(command, cluster, target, options, chosen); err != nil {
			return err
		}
	}
	before := stalled(target)
	if err := annotate(ctx, cluster, target, request); err != nil {
		return err
	}
	fmt.Fprintf(out, "Asked: %s=%q\n", v1alpha1.AnnotationRotate, request)
	if !options.wait {
		fmt.Fprintf(out, "To watch it: holdfast rotate %s %s -n %s --token %s%s --wait\n", target.word(), name, namespace, options.token, flagsOf(chosen))
		return nil
	}
	return await(ctx, out, cluster, target, before, options)
}

// find reads the object, or says plainly what is not there.
func find(ctx context.Context, cluster client.Client, target target, key client.ObjectKey) error {
	err := cluster.Get(ctx, key, target.object())
	switch {
	case apimeta.IsNoMatchError(err):
		return fmt.Errorf("the cluster knows no kind %s: install Holdfast, or name another cluster by KUBECONFIG", target.kind())
	case apierrors.IsNotFound(err):
		return fmt.Errorf("no %s %s in namespace %s: see kubectl get %s -A", target.kind(), key.Name, key.Namespace, strings.ToLower(target.kind()))
	case err != nil:
		return fmt.Errorf("read %s %s: %w", target.kind(), key, err)
	}
	return nil
}

// announce prints what will happen and, where much is at stake, asks back.
func announce(command *cobra.Command, cluster client.Reader, target target, options rotateOptions, chosen map[string]rotation.Verb) error {
	out, object := command.OutOrStdout(), target.object()
	lines, err := target.effects(command.Context(), cluster, chosen, options.all)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s/%s, request %s:\n", target.kind(), object.GetNamespace(), object.GetName(), options.token)
	for _, line := range lines {
		fmt.Fprintf(out, "  %s\n", line)
	}
	loss := target.irreversible(chosen)
	if loss != "" {
		fmt.Fprintf(out, "\n%s\n\n", loss)
	}
	if former := object.GetAnnotations()[v1alpha1.AnnotationRotate]; former != "" && target.handled() != strings.Fields(former)[0] {
		fmt.Fprintf(out, "It takes the place of the request %q, which is not known to be complete.\n", former)
	}
	terminal := onTerminal(command)
	if options.yes || loss == "" && (!options.all || !terminal) {
		return nil
	}
	if !terminal {
		return fmt.Errorf("nothing was asked: read the above, then write --yes too")
	}
	fmt.Fprintf(out, "Write the name %s to go on: ", object.GetName())
	answer, err := bufio.NewReader(command.InOrStdin()).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != object.GetName() {
		return fmt.Errorf("nothing was asked: that is not %s", object.GetName())
	}
	return nil
}

// onTerminal tells whether a person sits there who can answer.
func onTerminal(command *cobra.Command) bool {
	in, ok := command.InOrStdin().(*os.File)
	return ok && term.IsTerminal(int(in.Fd()))
}

// annotate asks. A merge patch touches nothing but the annotation.
func annotate(ctx context.Context, cluster client.Client, target target, request string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{v1alpha1.AnnotationRotate: request}}})
	if err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(target.object())
	if err := cluster.Patch(ctx, target.object(), client.RawPatch(types.MergePatchType, patch), client.FieldOwner(askManager)); err != nil {
		return fmt.Errorf("annotate %s %s: %w", target.kind(), key, err)
	}
	return nil
}

// newToken names a request by its time; two in one second differ in their end.
func newToken(now time.Time) string {
	return now.UTC().Format("20060102-150405") + "-" + strings.ToLower(rand.Text()[:4])
}

// written is the request as the annotation has it.
func written(token string, chosen map[string]rotation.Verb) string {
	return strings.Join(append([]string{token}, words(chosen)...), " ")
}

// words are the materials with their verbs, sorted.
func words(chosen map[string]rotation.Verb) (words []string) {
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		if chosen[name] != rotation.Renew {
			name += ":" + string(chosen[name])
		}
		words = append(words, name)
	}
	return words
}

// flagsOf are the flags that choose the same again.
func flagsOf(chosen map[string]rotation.Verb) (flags string) {
	for _, word := range words(chosen) {
		flags += " --material " + word
	}
	return flags
}

// chosenOf reads --material.
func chosenOf(materials []string) (map[string]rotation.Verb, error) {
	request, err := rotation.ParseRequest("x "+strings.Join(materials, " "), v1alpha1.ReasonInvalidSpec)
	if err != nil {
		return nil, fmt.Errorf("--material %s: write names such as token-signing, with :leaked or :drop behind", strings.Join(materials, ","))
	}
	return request.Materials, nil
}

package operator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/controller"
)

// Kinds are those that have a controller, by its name.
func Kinds() []string {
	return []string{"hardeningwaiver", "identitytenant", "keystore", "logpolicy", "passwordpolicy", "rotationrecord", "rotationschedule", "vaultconnection"}
}

// Workers says by kind how many objects are worked on at once. It is a flag: kind=number, with commas between.
type Workers map[string]int

func (w Workers) String() string {
	var pairs []string
	for _, kind := range slices.Sorted(maps.Keys(w)) {
		pairs = append(pairs, fmt.Sprintf("%s=%d", kind, w[kind]))
	}
	return strings.Join(pairs, ",")
}

// Set takes the place of what was said before.
func (w Workers) Set(text string) error {
	clear(w)
	for pair := range strings.SplitSeq(text, ",") {
		if pair == "" {
			continue
		}
		kind, number, _ := strings.Cut(strings.TrimSpace(pair), "=")
		count, err := strconv.Atoi(number)
		if err != nil || count < 1 || !slices.Contains(Kinds(), kind) {
			return fmt.Errorf("%q: write kind=number, with a number from 1 and one of the kinds %s", pair, strings.Join(Kinds(), ", "))
		}
		w[kind] = count
	}
	return nil
}

// limit of the controller of a kind.
func (options Options) limit(kind string) controller.Options {
	if count, ok := options.Workers[kind]; ok {
		return controller.Options{MaxConcurrentReconciles: count}
	}
	return controller.Options{MaxConcurrentReconciles: options.Concurrency}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// origin is what an image is made from. All that is in it and not in the sources comes from here.
type origin struct {
	version, revision string
	// at is the time of every file and of the image: the commit's, or $SOURCE_DATE_EPOCH.
	at time.Time
}

// complete asks git for what was not given. Outside of a clone all of it has to be given.
func (o *origin) complete(ctx context.Context, source string) (err error) {
	git := func(arguments ...string) string {
		command := exec.CommandContext(ctx, "git", append([]string{"-C", source}, arguments...)...)
		out, failed := command.Output()
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("git %s: %w", strings.Join(arguments, " "), failed))
		}
		return strings.TrimSpace(string(out))
	}
	if o.revision == "" {
		o.revision = git("rev-parse", "HEAD")
		// What differs from the commit must not pass for it.
		if git("status", "--porcelain") != "" {
			o.revision += "-dirty"
		}
	}
	if o.version == "" {
		o.version = git("tag", "--points-at", "HEAD", "--sort", "-version:refname", "--list", "v*")
		o.version, _, _ = strings.Cut(o.version, "\n")
		if o.version == "" || strings.HasSuffix(o.revision, "-dirty") {
			o.version = "v0.0.0-" + shortened(o.revision)
		}
	}
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		epoch = git("log", "-1", "--format=%ct")
	}
	if err != nil {
		return fmt.Errorf("give -version, -revision and $SOURCE_DATE_EPOCH where there is no git: %w", err)
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH must be seconds since 1970: %w", err)
	}
	o.at = time.Unix(seconds, 0).UTC()
	return nil
}

// shortened is the beginning of a commit, with the mark of what is not committed.
func shortened(revision string) string {
	commit, mark, dirty := strings.Cut(revision, "-")
	commit = commit[:min(12, len(commit))]
	if dirty {
		return commit + "-" + mark
	}
	return commit
}

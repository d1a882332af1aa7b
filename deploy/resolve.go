package deploy

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

// Found is the build that is to be deployed, and was there already.
type Found struct {
	Build  *pipecat.Build
	Latest bool // of its region; else it is of the same context
}

// Unlogged says why it is not known what a build that failed has printed.
type Unlogged struct{ Why error }

// logLimit is how long the log of a build that failed may take to be read.
const logLimit = 10 * time.Second

// Resolve finds the image or the build that was asked for, and makes the build
// if need be. A build that still runs is waited for. Errors are a
// *verdict.Verdict, or ctx's.
func Resolve(ctx context.Context, api API, cfg config.Config, waiter poll.Builds, report func(Event), seen func(poll.Event)) (Artefact, error) {
	b := builder{api: api, waiter: waiter, cfg: cfg, report: report, seen: seen}
	switch {
	case cfg.Build.FromSource:
		return b.fromSource(ctx)
	case cfg.Build.Latest:
		return b.latest(ctx)
	case cfg.Settings.BuildID != "":
		return b.byID(ctx)
	}
	return Artefact{Image: cfg.Settings.Image}, nil
}

// byID finds the build with the id that was asked for.
func (b *builder) byID(ctx context.Context) (Artefact, error) {
	id := b.cfg.Settings.BuildID
	build, err := b.api.Build(ctx, id)
	switch {
	case status(err) == http.StatusNotFound:
		return Artefact{}, failed(verdict.Build, err, "build %s does not exist in the key's organization; list what there is with: pipecat cloud build list", id)
	case err != nil:
		return Artefact{}, unreadable(ctx, err)
	}
	build.ID = id
	runs := build.Status != pipecat.BuildSuccess && build.Status != pipecat.BuildFailed && build.Status != pipecat.BuildTimeout
	if build.Status != pipecat.BuildSuccess && !(runs && b.cfg.DryRun) {
		// What would stop the update is told before the wait, not after it.
		if _, err := Plan(ctx, b.api, b.cfg, Artefact{Build: build}); err != nil {
			return Artefact{}, err
		}
		b.deadline = time.Now().Add(b.cfg.Build.Timeout)
		return b.wait(ctx, id)
	}
	return Artefact{Build: build}, nil
}

// latest finds the newest build in the agent's region that succeeded.
func (b *builder) latest(ctx context.Context) (Artefact, error) {
	region, err := b.region(ctx)
	if err != nil {
		return Artefact{}, err
	}
	builds, err := b.api.Builds(ctx, pipecat.BuildFilter{Region: region, Status: pipecat.BuildSuccess, Limit: 1})
	if err != nil {
		return Artefact{}, unreadable(ctx, err)
	}
	if len(builds) == 0 {
		return Artefact{}, failed(verdict.Build, nil, "build-id is latest, but no build in region %s has succeeded; make one with cloud-build, or set image", region)
	}
	b.report(Found{&builds[0], true})
	return Artefact{Build: &builds[0]}, nil
}

// region is where the build has to be: the agent's own. What would stop the
// update is told by now.
func (b *builder) region(ctx context.Context) (string, error) {
	change, err := Plan(ctx, b.api, b.cfg, Artefact{Build: &pipecat.Build{}})
	if err != nil {
		return "", err
	}
	if region := cmp.Or(change.Region(), b.cfg.Region); region != "" {
		return region, nil
	}
	p, err := b.api.Properties(ctx)
	if err != nil {
		return "", unreadable(ctx, err)
	}
	if p.DefaultRegion == "" {
		return "", failed(verdict.Inputs, nil, "the region of the build is not known, for the organization has no default one; set region")
	}
	return p.DefaultRegion, nil
}

// wait waits until a build has succeeded. What one that has not printed last is
// in the detail of its verdict.
func (b *builder) wait(ctx context.Context, id string) (Artefact, error) {
	build, err := poll.Build(ctx, b.waiter, id, b.deadline, b.seen)
	if err == nil {
		build.ID = id
		return Artefact{Build: build}, nil
	}
	v := verdict.Of(err)
	if v.Reason != verdict.Build || b.cfg.LogLines == 0 {
		return Artefact{}, err
	}
	timed, cancel := context.WithTimeout(ctx, logLimit)
	defer cancel()
	lines, unread := b.api.LastBuildLogs(timed, id, b.cfg.LogLines)
	switch {
	case unread != nil && ctx.Err() == nil:
		b.report(Unlogged{unread})
	case len(lines) > 0:
		v.Detail = strings.TrimPrefix(v.Detail+"\n"+strings.Join(lines, "\n"), "\n")
	}
	return Artefact{}, &v
}

package deploy

import (
	"context"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// Resolve finds the image or the build that was asked for, and has the build made
// if need be. One that still runs is yet to be waited for. Errors are a
// *verdict.Failure, or ctx's.
func Resolve(ctx context.Context, api API, r Request, b Baseline, emit event.Emitter) (Artifact, error) {
	switch {
	case r.Source != nil:
		builder := builder{api: api, request: r, region: b.Region, emit: emit}
		return builder.build(ctx)
	case r.Latest:
		return latest(ctx, api, b.Region, emit)
	case r.Settings.BuildID != "":
		return byID(ctx, api, r)
	}
	return Artifact{Image: r.Settings.Image}, nil
}

// byID finds the build with the id that was asked for.
func byID(ctx context.Context, api API, r Request) (Artifact, error) {
	id := r.Settings.BuildID
	build, err := api.Build(ctx, id)
	switch {
	case missing(err):
		return Artifact{}, unnamed(verdict.Build, err, "build %s does not exist in the key's organization; list what there is with: pipecat cloud build list", id)
	case err != nil:
		return Artifact{}, unreadable(ctx, err)
	}
	build.ID = id
	a := Artifact{Build: build}
	if build.IsFailed() || !build.IsOver() && !r.DryRun {
		a.Deadline = time.Now().Add(r.BuildTimeout)
	}
	return a, nil
}

// latest finds the newest build of a region that succeeded.
func latest(ctx context.Context, api API, region string, emit event.Emitter) (Artifact, error) {
	builds, err := api.Builds(ctx, pipecat.BuildFilter{Region: region, Status: pipecat.BuildSuccess, Limit: 1})
	if err != nil {
		return Artifact{}, unreadable(ctx, err)
	}
	if len(builds) == 0 {
		return Artifact{}, failed(verdict.Build, nil, "build-id is latest, but no build in region %s has succeeded; make one with cloud-build, or set image", region)
	}
	emit.Emit(found(&builds[0], true))
	return Artifact{Build: &builds[0]}, nil
}

func found(b *pipecat.Build, latest bool) event.BuildFound {
	return event.BuildFound{ID: b.ID, Region: b.Region, ContextHash: b.ContextHash, CreatedAt: b.CreatedAt.Time, Latest: latest}
}

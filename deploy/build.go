package deploy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	maxUploads    = 4               // of one context
	maxCreated    = 3               // requests for one build whose response is lost
	progressEvery = 5 * time.Second // that progress is reported
	minValidity   = time.Minute     // that an upload's address must last yet
)

// builder makes a build of a build context, or finds it.
type builder struct {
	api     API
	request Request
	region  string
	emit    event.Emitter
	last    error // why a step was repeated
}

// build has a build made of the build context, unless there is an equal one.
func (b *builder) build(ctx context.Context) (Artifact, error) {
	archive, err := b.pack(ctx)
	if err != nil {
		return Artifact{}, err
	}
	defer archive.Close()
	known, err := b.api.Builds(ctx, b.equal(archive))
	if err != nil {
		return Artifact{}, unreadable(ctx, err)
	}
	for _, build := range known {
		if build.Status == pipecat.BuildSuccess {
			b.emit.Emit(found(&build, false))
			return Artifact{Build: &build}, nil
		}
	}
	b.missing(archive)
	if b.request.DryRun {
		return Artifact{Build: &pipecat.Build{Region: b.region}}, nil
	}

	deadline := time.Now().Add(b.request.BuildTimeout)
	timed, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	build, err := b.begin(timed, archive, known)
	if err != nil {
		return Artifact{}, b.cancelled(ctx, timed, err)
	}
	a := Artifact{Build: build, Started: true}
	if build.Status != pipecat.BuildSuccess {
		a.Deadline = deadline
	}
	return a, nil
}

// equal selects the builds of the same.
func (b *builder) equal(archive *buildcontext.Archive) pipecat.BuildFilter {
	return pipecat.BuildFilter{ContextHash: archive.Hash, Region: b.region, DockerfilePath: archive.Dockerfile}
}

// pack packs the build context.
func (b *builder) pack(ctx context.Context) (*buildcontext.Archive, error) {
	began := time.Now()
	report := pacing.Throttle{Every: progressEvery}
	report.Start()
	options := *b.request.Source
	options.Progress = func(p buildcontext.Progress) {
		if report.Due() {
			b.emit.Emit(event.Progress{Activity: event.Packing, Done: p.Bytes, Total: p.AllBytes, Files: p.Files, TotalFiles: p.AllFiles, Elapsed: time.Since(began)})
		}
	}
	archive, err := buildcontext.Pack(ctx, options)
	switch {
	case err == nil:
		b.emit.Emit(event.Packed{Unpacked: archive.Unpacked, Size: archive.Size, Files: archive.Files, Hash: archive.Hash,
			Excluded: archive.Excluded, ByInput: len(options.Exclude) > 0,
			IgnoreFile: archive.IgnoreFile, Secrets: archive.KeptOut, NamedSecrets: archive.NamedIn, Irregular: archive.Left, Took: time.Since(began)})
		return archive, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	reason := verdict.Build
	if user := (*buildcontext.Error)(nil); errors.As(err, &user) {
		reason = verdict.Inputs
	}
	first, more := buildcontext.First(err)
	f := failed(reason, nil, "the build context cannot be packed: %s", first)
	f.Cause = verdict.NotPacked
	if more {
		f.Show(verdict.FromProgram, err.Error())
	}
	return nil, f
}

// missing reports what the Dockerfile does not find in its context. It is no
// failure: only the builder knows for certain what it needs.
func (b *builder) missing(archive *buildcontext.Archive) {
	if len(archive.Missing) > 0 {
		b.emit.Emit(event.Missing{Dockerfile: path.Join(archive.Dir, archive.Dockerfile), IgnoreFile: archive.IgnoreFile,
			Context: archive.Dir, Sources: archive.Missing})
	}
}

// begin uploads the context and creates the build, or finds the one that the
// platform has made of an equal context.
func (b *builder) begin(ctx context.Context, archive *buildcontext.Archive, known []pipecat.Build) (*pipecat.Build, error) {
	upload, err := b.upload(ctx, archive)
	if err != nil {
		return nil, err
	}
	request := pipecat.BuildRequest{UploadID: upload, Region: b.region, DockerfilePath: archive.Dockerfile}
	pace := buildPace()
	for try := 1; ; try++ {
		build, cached, err := b.api.CreateBuild(ctx, request)
		if err == nil {
			b.emit.Emit(event.BuildStarted{ID: build.ID, Reused: cached})
			return build, b.another(build, archive)
		}
		e := asError(err)
		if e.Unauthorized() {
			return nil, unauthorized(err)
		}
		if !e.Temporary() && try == 1 {
			return nil, failed(verdict.Build, e, "the platform refuses to build: %s", e.Detail())
		}
		// An answer that is lost is looked for: any build of the same will do.
		b.last = err
		wait := pacing.After(pace, e.RetryAfter)
		b.emit.Emit(event.Retrying{Try: event.TryBuildRequest, Err: err, In: wait})
		if err := pacing.Sleep(ctx, wait); err != nil {
			return nil, err
		}
		if found := b.find(ctx, archive, known); found != nil {
			b.emit.Emit(event.BuildStarted{ID: found.ID})
			return found, nil
		}
		if !e.Temporary() || try == maxCreated {
			return nil, failed(verdict.Build, e, "the request for the build got no usable response (requests sent: %d): %v", try, err)
		}
	}
}

// another says what a build is of that is not what was uploaded.
func (b *builder) another(build *pipecat.Build, archive *buildcontext.Archive) error {
	for _, of := range []struct{ name, asked, shown string }{
		{"context", archive.Hash, build.ContextHash}, {"Dockerfile", archive.Dockerfile, build.DockerfilePath}, {"region", b.region, build.Region},
	} {
		if of.shown != "" && of.shown != of.asked {
			return failed(verdict.Build, nil, "the platform answers with build %s, whose %s is %q and not %q, and which is not deployed", build.ID, of.name, of.shown, of.asked)
		}
	}
	return nil
}

// find looks for a build of the same: one that runs or has succeeded, or that
// has failed since this job asked for it.
func (b *builder) find(ctx context.Context, archive *buildcontext.Archive, known []pipecat.Build) *pipecat.Build {
	builds, err := b.api.Builds(ctx, b.equal(archive))
	if err != nil {
		return nil
	}
	for _, build := range builds {
		before := slices.ContainsFunc(known, func(k pipecat.Build) bool { return k.ID == build.ID })
		if !build.IsFailed() || !before {
			return &build
		}
	}
	return nil
}

// upload uploads the context, whole, as often as it takes, and returns the
// upload's id.
func (b *builder) upload(ctx context.Context, archive *buildcontext.Archive) (string, error) {
	pace := buildPace()
	var to *pipecat.Upload
	for try := 1; ; try++ {
		b.emit.Emit(event.Progress{Activity: event.Uploading, Total: archive.Size})
		var err error
		if to == nil {
			to, err = b.api.UploadURL(ctx, b.region)
		}
		if err == nil {
			if err = b.send(ctx, to, archive); err == nil {
				return to.ID, nil
			}
		}
		var refused *pipecat.UploadError
		temporary := asError(err).Temporary()
		b.last = err
		wait := pacing.After(pace, asError(err).RetryAfter)
		if errors.As(err, &refused) {
			temporary = refused.Temporary() || refused.Expired()
			if refused.Expired() || time.Until(to.ExpiresAt.Time) < minValidity {
				to = nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case asError(err).Unauthorized():
			return "", unauthorized(err)
		case !temporary || try == maxUploads:
			return "", notUploaded(err, try)
		}
		b.emit.Emit(event.Retrying{Try: event.TryUpload, Err: err, In: wait})
		if err := pacing.Sleep(ctx, wait); err != nil {
			return "", err
		}
	}
}

// send uploads the context once.
func (b *builder) send(ctx context.Context, to *pipecat.Upload, archive *buildcontext.Archive) error {
	began := time.Now()
	report := pacing.Throttle{Every: progressEvery}
	report.Start()
	err := b.api.Upload(ctx, to, archive.Reader(), archive.Size, func(sent int64) {
		if report.Due() {
			b.emit.Emit(event.Progress{Activity: event.Uploading, Done: sent, Total: archive.Size, Elapsed: time.Since(began)})
		}
	})
	if err == nil {
		b.emit.Emit(event.Uploaded{Size: archive.Size, Took: time.Since(began)})
	}
	return err
}

func notUploaded(err error, tries int) error {
	f := failed(verdict.Build, err, "the build context could not be uploaded (tries: %d): %v", tries, err)
	if refused := (*pipecat.UploadError)(nil); errors.As(err, &refused) {
		f.Code = refused.Code
		show := f.Show
		if refused.Whole() {
			show = f.Quote
		}
		show(verdict.FromAPI, refused.Body)
	}
	return f
}

// cancelled is what becomes of a build that did not begin: because the job was
// stopped, the time was up, or as err has it.
func (b *builder) cancelled(ctx, timed context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return verdict.NewCancelled("the job was stopped while it uploaded the build context or asked for the build, so nothing was deployed")
	case timed.Err() != nil && b.last != nil:
		return &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.Build,
			Message: fmt.Sprintf("the build is not known to have begun within build-timeout (%s), so nothing was deployed: %v", quantity.Limit(b.request.BuildTimeout), b.last)}
	case timed.Err() != nil:
		return &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.Build,
			Message: fmt.Sprintf("the build is not known to have begun within build-timeout (%s), so nothing was deployed", quantity.Limit(b.request.BuildTimeout))}
	}
	return err
}

func buildPace() *backoff.ExponentialBackOff {
	return pacing.Exponential(2*time.Second, backoff.DefaultMultiplier, backoff.DefaultMaxInterval)
}

package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

const (
	maxUploads  = 4               // of one context
	maxCreated  = 3               // requests for one build whose answer is lost
	movesEvery  = 5 * time.Second // that progress is told
	maxPatience = time.Minute     // that an API which asks for it is given
	freshEnough = time.Minute     // that an upload's address must last yet
)

// Packing says now and then how far the build context is packed.
type Packing struct{ buildcontext.Progress }

// Packed is a build context that is packed.
type Packed struct {
	Archive *buildcontext.Archive // closed by the time that another event comes
	Took    time.Duration
}

// Uploading says now and then how far the build context is uploaded.
type Uploading struct {
	Sent, Size int64
	Elapsed    time.Duration
}

// Uploaded is a build context that is uploaded.
type Uploaded struct {
	Size int64
	Took time.Duration
}

// Repeated says that a step of a build failed, and is tried again.
type Repeated struct {
	What string // "the upload"
	Why  error
	Next time.Duration
}

// Created is a build that the platform has begun, or has made before.
type Created struct {
	Build  *pipecat.Build
	Cached bool // it was there before
}

func (Found) deployEvent()     {}
func (Unlogged) deployEvent()  {}
func (Packing) deployEvent()   {}
func (Packed) deployEvent()    {}
func (Uploading) deployEvent() {}
func (Uploaded) deployEvent()  {}
func (Repeated) deployEvent()  {}
func (Created) deployEvent()   {}

// builder makes a build, or finds it.
type builder struct {
	api      API
	waiter   poll.Builds
	cfg      config.Config
	report   func(Event)
	seen     func(poll.Event)
	deadline time.Time
	last     error // why a step was repeated
}

// fromSource makes a build of the build context, unless there is an equal one.
func (b *builder) fromSource(ctx context.Context) (Artefact, error) {
	region, err := b.region(ctx)
	if err != nil {
		return Artefact{}, err
	}
	archive, err := b.pack(ctx)
	if err != nil {
		return Artefact{}, err
	}
	defer archive.Close()
	equal := pipecat.BuildFilter{ContextHash: archive.Hash, Region: region, DockerfilePath: archive.Dockerfile}
	known, err := b.api.Builds(ctx, equal)
	if err != nil {
		return Artefact{}, unreadable(ctx, err)
	}
	for _, build := range known {
		if build.Status == pipecat.BuildSuccess {
			b.report(Found{Build: &build})
			return Artefact{Build: &build}, nil
		}
	}
	if b.cfg.DryRun {
		return Artefact{Build: &pipecat.Build{Region: region}}, nil
	}

	b.deadline = time.Now().Add(b.cfg.Build.Timeout)
	timed, cancel := context.WithDeadline(ctx, b.deadline)
	defer cancel()
	build, err := b.begin(timed, archive, region, known)
	if err != nil {
		return Artefact{}, b.stopped(ctx, timed, err)
	}
	archive.Close()
	if build.Status == pipecat.BuildSuccess {
		return Artefact{Build: build}, nil
	}
	artefact, err := b.wait(ctx, build.ID)
	if errors.Is(err, context.Canceled) {
		return Artefact{}, &verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped,
			Message: fmt.Sprintf("the job was stopped while build %s ran; it goes on without it, and nothing was deployed", build.ID)}
	}
	return artefact, err
}

// pack packs the build context.
func (b *builder) pack(ctx context.Context) (*buildcontext.Archive, error) {
	began := time.Now()
	told := began
	archive, err := buildcontext.Pack(ctx, buildcontext.Options{
		Dir:        b.cfg.Build.Context,
		Workspace:  cmp.Or(b.cfg.Workspace, "."),
		Dockerfile: b.cfg.Build.Dockerfile,
		Exclude:    b.cfg.Build.Exclude,
		Temp:       b.cfg.Build.Temp,
		Progress: func(p buildcontext.Progress) {
			if time.Since(told) >= movesEvery {
				told = time.Now()
				b.report(Packing{p})
			}
		},
	})
	switch {
	case err == nil:
		b.report(Packed{archive, time.Since(began)})
		return archive, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	reason := verdict.Build
	if user := (*buildcontext.Error)(nil); errors.As(err, &user) {
		reason = verdict.Inputs
	}
	first, _, more := strings.Cut(err.Error(), "\n")
	v := failed(reason, nil, "nothing was sent, for the build context cannot be packed: %s", first)
	if more {
		v.Detail = err.Error()
	}
	return nil, v
}

// begin uploads the context and creates the build, or finds the one that the
// platform has made of an equal context.
func (b *builder) begin(ctx context.Context, archive *buildcontext.Archive, region string, known []pipecat.Build) (*pipecat.Build, error) {
	upload, err := b.upload(ctx, archive, region)
	if err != nil {
		return nil, err
	}
	request := pipecat.BuildRequest{UploadID: upload, Region: region, DockerfilePath: archive.Dockerfile}
	pace := buildPace()
	for try := 1; ; try++ {
		build, cached, err := b.api.CreateBuild(ctx, request)
		if err == nil {
			b.report(Created{build, cached})
			return build, b.another(build, archive, region)
		}
		e := asError(err)
		if e.Unauthorized() {
			return nil, denied(err)
		}
		if !e.Temporary() && try == 1 {
			return nil, failed(verdict.Build, e, "the platform refuses to build: %s", e.Detail())
		}
		// An answer that is lost is looked for: any build of the same will do.
		b.last = err
		wait := max(pace.NextBackOff(), min(e.RetryAfter, maxPatience))
		b.report(Repeated{"the request for the build", err, wait})
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		if found := b.find(ctx, archive, region, known); found != nil {
			b.report(Created{found, false})
			return found, nil
		}
		if !e.Temporary() || try == maxCreated {
			return nil, failed(verdict.Build, e, "the request for the build got no clear answer (requests sent: %d): %v", try, err)
		}
	}
}

// another says what a build is of that is not what was uploaded.
func (b *builder) another(build *pipecat.Build, archive *buildcontext.Archive, region string) error {
	for _, of := range []struct{ name, asked, told string }{
		{"context", archive.Hash, build.ContextHash}, {"Dockerfile", archive.Dockerfile, build.DockerfilePath}, {"region", region, build.Region},
	} {
		if of.told != "" && of.told != of.asked {
			return failed(verdict.Build, nil, "the platform answers with build %s, whose %s is %q and not %q, and which is not deployed", build.ID, of.name, of.told, of.asked)
		}
	}
	return nil
}

// find looks for a build of the same: one that runs or has succeeded, or that
// has failed since this job asked for it.
func (b *builder) find(ctx context.Context, archive *buildcontext.Archive, region string, known []pipecat.Build) *pipecat.Build {
	builds, err := b.api.Builds(ctx, pipecat.BuildFilter{ContextHash: archive.Hash, Region: region, DockerfilePath: archive.Dockerfile})
	if err != nil {
		return nil
	}
	for _, build := range builds {
		failed := build.Status == pipecat.BuildFailed || build.Status == pipecat.BuildTimeout
		before := slices.ContainsFunc(known, func(k pipecat.Build) bool { return k.ID == build.ID })
		if !failed || !before {
			return &build
		}
	}
	return nil
}

// upload uploads the context, whole, as often as it takes, and returns the
// upload's id.
func (b *builder) upload(ctx context.Context, archive *buildcontext.Archive, region string) (string, error) {
	pace := buildPace()
	var to *pipecat.Upload
	for try := 1; ; try++ {
		b.report(Uploading{Size: archive.Size})
		var err error
		if to == nil {
			to, err = b.api.UploadURL(ctx, region)
		}
		if err == nil {
			if err = b.send(ctx, to, archive); err == nil {
				return to.ID, nil
			}
		}
		var refused *pipecat.UploadError
		temporary := asError(err).Temporary()
		b.last = err
		wait := max(pace.NextBackOff(), min(asError(err).RetryAfter, maxPatience))
		if errors.As(err, &refused) {
			temporary = refused.Temporary() || refused.Expired()
			if refused.Expired() || time.Until(to.ExpiresAt.Time) < freshEnough {
				to = nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case asError(err).Unauthorized():
			return "", denied(err)
		case !temporary || try == maxUploads:
			return "", notUploaded(err, try)
		}
		b.report(Repeated{"the upload", err, wait})
		if err := sleep(ctx, wait); err != nil {
			return "", err
		}
	}
}

// send uploads the context once.
func (b *builder) send(ctx context.Context, to *pipecat.Upload, archive *buildcontext.Archive) error {
	began := time.Now()
	told := began
	err := b.api.Upload(ctx, to, archive.Reader(), archive.Size, func(sent int64) {
		if time.Since(told) >= movesEvery {
			told = time.Now()
			b.report(Uploading{sent, archive.Size, time.Since(began)})
		}
	})
	if err == nil {
		b.report(Uploaded{archive.Size, time.Since(began)})
	}
	return err
}

func notUploaded(err error, tries int) error {
	v := failed(verdict.Build, err, "the build context could not be uploaded (tries: %d): %v", tries, err)
	if refused := (*pipecat.UploadError)(nil); errors.As(err, &refused) {
		v.Code = refused.Code
		v.Detail = refused.Body
	}
	return v
}

// stopped is what becomes of a build that did not begin: because the job was
// stopped, the time was up, or as err has it.
func (b *builder) stopped(ctx, timed context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return &verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped,
			Message: "the job was stopped while it uploaded the build context or asked for the build, so nothing was deployed"}
	case timed.Err() != nil && b.last != nil:
		return &verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.Build,
			Message: fmt.Sprintf("the build is not known to have begun within build-timeout (%s), so nothing was deployed: %v", b.cfg.Build.Timeout, b.last)}
	case timed.Err() != nil:
		return &verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.Build,
			Message: fmt.Sprintf("the build is not known to have begun within build-timeout (%s), so nothing was deployed", b.cfg.Build.Timeout)}
	}
	return err
}

func buildPace() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(2*time.Second),
		backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0))
}

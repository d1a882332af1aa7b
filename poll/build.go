package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	logLimit  = 5 * time.Second  // that a read of a running build's log may take
	tailLimit = 10 * time.Second // that one of a failed build's log may take

	// minBuildLog is how many lines of a failed build's log are read for the cause,
	// which may be above those that are shown.
	minBuildLog = 2000
)

// Awaited is a build that is waited for.
type Awaited struct {
	ID       string
	Started  bool      // this job has it made
	Deadline time.Time // of the wait
	LogLines int       // of its log that a failure shows
}

// Build waits for a build to end, at most until its deadline, and shows what it
// prints. It returns the build when it succeeded; its error is a *verdict.Failure,
// or ctx's.
func Build(ctx context.Context, api Builds, a Awaited, emit event.Emitter) (*pipecat.Build, error) {
	build, err := awaitBuild(ctx, api, a, emit)
	var f *verdict.Failure
	switch {
	case err == nil:
		build.ID = a.ID
		return build, nil
	case errors.Is(err, context.Canceled) && a.Started:
		return nil, verdict.NewCancelled("the job was stopped while build %s ran; the build continues, and nothing was deployed", a.ID)
	case errors.As(err, &f) && f.Reason == verdict.Build && a.LogLines > 0:
		return nil, withTail(ctx, api, a, f, emit)
	}
	return nil, err
}

// withTail adds to a failure what the build printed last.
func withTail(ctx context.Context, api Builds, a Awaited, f *verdict.Failure, emit event.Emitter) *verdict.Failure {
	timed, cancel := context.WithTimeout(ctx, tailLimit)
	defer cancel()
	lines, err := api.LastBuildLogs(timed, a.ID, max(a.LogLines, minBuildLog))
	switch {
	case err != nil && ctx.Err() == nil:
		emit.Emit(event.Output{Source: event.BuildTail, Err: err})
	case len(lines) > 0:
		shown := lines[max(0, len(lines)-a.LogLines):]
		f.Evidence = append(f.Evidence, verdict.Evidence{From: verdict.FromBuildLog, Text: strings.Join(lines, "\n"), Shown: strings.Join(shown, "\n")})
	}
	return f
}

func awaitBuild(ctx context.Context, api Builds, a Awaited, emit event.Emitter) (*pipecat.Build, error) {
	var build *pipecat.Build
	status, since, lines := "", time.Now(), 0
	l := newLoop(a.Deadline, emit)
	l.known = true // to whoever asks to wait for it
	l.heartbeat = func() event.Heartbeat { return event.Heartbeat{Still: status, For: time.Since(since)} }
	err := l.until(ctx, func(ctx context.Context) (news, error) {
		b, err := api.Build(ctx, a.ID)
		if err != nil {
			return news{}, err
		}
		build = b
		var now news
		if s := cmp.Or(b.Status, "of no status"); s != status {
			status, since = s, time.Now()
			now = news{changed: true, events: []event.Event{event.BuildStatus{ID: a.ID, Status: s, Elapsed: since.Sub(l.start)}}}
		}
		now.done = b.IsOver()
		// Of a build that had ended at the first read, only a failure shows the log.
		if b.IsRunning() || now.done && lines > 0 {
			timed, cancel := context.WithTimeout(ctx, logLimit)
			defer cancel()
			if printed, err := api.NewBuildLogs(timed, a.ID, lines); err == nil && len(printed) > 0 {
				lines += len(printed)
				now.changed = true
				output := event.Output{Source: event.BuildLog, Lines: printed}
				if now.done { // it was printed before
					now.events = append([]event.Event{output}, now.events...)
				} else {
					now.events = append(now.events, output)
				}
			}
		}
		return now, nil
	})
	emit.Emit(event.WaitEnded{})
	switch {
	case errors.Is(err, errDeadline) && l.isUnread():
		return nil, &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.API,
			Message: fmt.Sprintf("the API could not be read when build-timeout was up: %v", cmp.Or(l.lastErr, errNoAnswer))}
	case errors.Is(err, errDeadline):
		return nil, &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.Build, Cause: verdict.BuildStillRunning,
			Message: fmt.Sprintf("build %s did not end within build-timeout, after %s: it is %s", a.ID, quantity.Limit(time.Since(l.start).Round(time.Second)), status)}
	case err != nil:
		return nil, err
	case build.Status != pipecat.BuildSuccess:
		f := &verdict.Failure{Status: verdict.Failed, Reason: verdict.Build,
			Message: fmt.Sprintf("build %s ended as %s and is not deployed", a.ID, build.Status)}
		f.Show(verdict.FromBuilder, build.ErrorMessage)
		if build.Status == pipecat.BuildTimeout {
			f.Cause = verdict.BuildTimedOut
		}
		return nil, f
	}
	return build, nil
}

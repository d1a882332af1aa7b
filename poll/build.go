package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// Builds reads builds.
type Builds interface {
	Build(ctx context.Context, id string) (*pipecat.Build, error)
	NewBuildLogs(ctx context.Context, id string, seen int) ([]string, error)
}

// logLimit is how long a look at a build's log may take.
const logLimit = 5 * time.Second

// Build waits for a build to end, at most until the deadline, and shows what it
// prints meanwhile. It returns the build when it succeeded; its error is a
// *verdict.Verdict, or ctx's.
func Build(ctx context.Context, builds Builds, id string, deadline time.Time, report func(Event)) (*pipecat.Build, error) {
	var build *pipecat.Build
	status, since, lines := "", time.Now(), 0
	w := newWatch(deadline, report)
	w.known = true // by whoever asks to wait for it
	w.alive = func() Alive { return Alive{Stage: status, For: time.Since(since)} }
	err := w.until(ctx, func(ctx context.Context) (seen, error) {
		b, err := builds.Build(ctx, id)
		if err != nil {
			return seen{}, err
		}
		build = b
		var now seen
		if s := cmp.Or(b.Status, "of no status"); s != status {
			status, since = s, time.Now()
			now = seen{changed: true, events: []Event{BuildSeen{b, since, since.Sub(w.start)}}}
		}
		switch b.Status {
		case pipecat.BuildSuccess, pipecat.BuildFailed, pipecat.BuildTimeout:
			now.done = true
		}
		// A build that had ended by the first look has its log read where it failed.
		if b.Status == "building" || now.done && lines > 0 {
			timed, cancel := context.WithTimeout(ctx, logLimit)
			defer cancel()
			if printed, err := builds.NewBuildLogs(timed, id, lines); err == nil && len(printed) > 0 {
				lines += len(printed)
				now.changed = true
				if now.done { // it was printed before
					now.events = append([]Event{BuildPrinted{printed}}, now.events...)
				} else {
					now.events = append(now.events, BuildPrinted{printed})
				}
			}
		}
		return now, nil
	})
	report(Ended{time.Now()})
	switch {
	case errors.Is(err, errDeadline) && (!w.looked || w.lastErr != nil && time.Since(w.away) >= signOfLife):
		return nil, &verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.API,
			Message: fmt.Sprintf("the API could not be read when build-timeout was up: %v", cmp.Or(w.lastErr, errNoAnswer))}
	case errors.Is(err, errDeadline):
		return nil, &verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.Build,
			Message: fmt.Sprintf("build %s did not end within build-timeout, after %s: it is %s", id, time.Since(w.start).Round(time.Second), status)}
	case err != nil:
		return nil, err
	case build.Status != pipecat.BuildSuccess:
		return nil, &verdict.Verdict{Status: verdict.Failed, Reason: verdict.Build, Detail: build.ErrorMessage,
			Message: fmt.Sprintf("build %s ended as %s and is not deployed", id, build.Status) + because("", build.ErrorMessage)}
	}
	return build, nil
}

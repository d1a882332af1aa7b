package poll

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	slowest    = 4 * time.Second  // between looks, so that a crash is told within five
	signOfLife = 30 * time.Second // at the latest
	goneAfter  = 3                // answers of 404 in a row
	maxAsked   = time.Minute      // that an API which asks for patience is given
)

// The pace of looking is measured by BenchmarkNoticed. Each begins anew after
// a change.
func calmPace() *backoff.ExponentialBackOff  { return pace(2*time.Second, 1.6) }
func eagerPace() *backoff.ExponentialBackOff { return pace(800*time.Millisecond, 1.05) }

func pace(first time.Duration, slowdown float64) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(first),
		backoff.WithMultiplier(slowdown),
		backoff.WithMaxInterval(slowest),
		backoff.WithRandomizationFactor(0), // jobs do not start in step, and what repeats exactly can be tested
		backoff.WithMaxElapsedTime(0),
	)
}

var (
	errDeadline = errors.New("the time is up")
	errNoAnswer = errors.New("no answer")
)

// watch looks at something again and again.
type watch struct {
	start    time.Time
	deadline time.Time
	report   func(Event)
	alive    func() Alive

	known    bool // it was there before
	looked   bool // it was seen once at least
	lastSign time.Time
	lastErr  error     // of the last look; nil when it was one
	away     time.Time // since when looks fail; zero when they do not
	gone     int       // 404s in a row
}

func newWatch(deadline time.Time, report func(Event)) *watch {
	now := time.Now()
	return &watch{
		start:    now,
		deadline: deadline,
		lastSign: now,
		report:   report,
	}
}

// seen is what a look came to.
type seen struct {
	events  []Event
	changed bool // there is something new
	near    bool // from here on it may be done any moment
	done    bool
}

// until looks until a look says that it is done. Its error is errDeadline,
// ctx's, or a *verdict.Verdict for an API that cannot be waited for.
func (w *watch) until(ctx context.Context, look func(context.Context) (seen, error)) error {
	timed, cancel := context.WithDeadline(ctx, w.deadline)
	defer cancel()
	calm, eager := calmPace(), eagerPace()
	near := false
	for {
		now, err := look(timed)
		var asked time.Duration
		switch {
		case err == nil:
			w.answered()
			for _, e := range now.events {
				w.report(e)
			}
			if now.done {
				return nil
			}
			near = now.near
		case ctx.Err() != nil:
			return ctx.Err()
		case timed.Err() != nil:
			return errDeadline
		default:
			if asked, err = w.fault(err); err != nil {
				return err
			}
		}
		if now.changed {
			calm.Reset()
			eager.Reset()
			w.lastSign = time.Now()
		}
		wait := calm.NextBackOff()
		if near {
			wait = eager.NextBackOff()
		}
		wait = max(wait, min(asked, maxAsked))
		if left := time.Until(w.deadline); wait > left-time.Second && left > 1100*time.Millisecond {
			wait = left - time.Second // a last look, in time for its answer
		}
		if w.pause(timed, wait) != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errDeadline
		}
	}
}

// pause waits between two looks, and gives signs of life.
func (w *watch) pause(ctx context.Context, wait time.Duration) error {
	for wait > 0 {
		next := max(0, signOfLife-time.Since(w.lastSign))
		part := min(wait, next)
		timer := time.NewTimer(part)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		wait -= part
		if part == next {
			w.lastSign = time.Now()
			sign := w.alive()
			if !w.away.IsZero() {
				sign = Alive{Stage: "not readable", For: time.Since(w.away)}
			}
			sign.Elapsed = time.Since(w.start)
			w.report(sign)
		}
	}
	return nil
}

// fault takes note of a look that failed. It returns how long the API asks to
// be left alone, or a *verdict.Verdict when there is nothing to wait for.
func (w *watch) fault(err error) (asked time.Duration, final error) {
	w.lastErr = err
	var e *pipecat.Error
	if errors.As(err, &e) {
		asked = e.RetryAfter
		if e.Unauthorized() {
			return 0, &verdict.Verdict{Status: verdict.Failed, Reason: verdict.Auth,
				Message: fmt.Sprintf("the API takes the key no longer, so what goes on is not known: %v", err)}
		}
		// What is new may take a while to be found.
		if e.Status != http.StatusNotFound {
			w.gone = 0
		} else if w.gone++; w.gone >= goneAfter && (w.known || w.looked) {
			return 0, &verdict.Verdict{Status: verdict.Failed, Reason: verdict.API,
				Message: fmt.Sprintf("three reads in a row found nothing; someone may have deleted it: %v", err)}
		}
	}
	if w.away.IsZero() {
		w.away = time.Now()
		w.report(Away{err})
	}
	return asked, nil
}

// answered takes note of a look that succeeded.
func (w *watch) answered() {
	if !w.away.IsZero() {
		w.lastSign = time.Now()
		w.report(Back{time.Since(w.away)})
	}
	w.looked, w.lastErr, w.away, w.gone = true, nil, time.Time{}, 0
}

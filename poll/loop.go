package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	slowest   = 4 * time.Second  // between reads, so that a crash is reported within five
	heartbeat = 30 * time.Second // at the latest
	goneAfter = 3                // responses of 404 in a row
)

// The pace of reads is measured by BenchmarkNoticed. Each starts over after a
// change.
func calmPace() *backoff.ExponentialBackOff { return pacing.Exponential(2*time.Second, 1.6, slowest) }
func eagerPace() *backoff.ExponentialBackOff {
	return pacing.Exponential(800*time.Millisecond, 1.05, slowest)
}

var (
	errDeadline = errors.New("the time is up")
	errNoAnswer = errors.New("no answer")
)

// loop reads something again and again.
type loop struct {
	start     time.Time
	deadline  time.Time
	emit      event.Emitter
	heartbeat func() event.Heartbeat

	known            bool // it exists, as the caller knows
	read             bool // it was read once at least
	lastSign         time.Time
	lastErr          error     // of the last read; nil when it succeeded
	unreachableSince time.Time // since when reads fail; zero when they do not
	gone             int       // 404s in a row
	unauthorized     int       // 401s and 403s in a row
}

func newLoop(deadline time.Time, emit event.Emitter) *loop {
	now := time.Now()
	return &loop{start: now, deadline: deadline, lastSign: now, emit: emit}
}

// news is what a read shows.
type news struct {
	events  []event.Event
	changed bool // there is something new
	near    bool // from here on it may be done any moment
	done    bool
}

// until reads until a read says that it is done. Its error is errDeadline, ctx's,
// or a *verdict.Failure for an API that cannot be waited for.
func (l *loop) until(ctx context.Context, read func(context.Context) (news, error)) error {
	timed, cancel := context.WithDeadline(ctx, l.deadline)
	defer cancel()
	calm, eager := calmPace(), eagerPace()
	near := false
	for {
		now, err := read(timed)
		var asked time.Duration
		switch {
		case err == nil:
			l.answered()
			for _, e := range now.events {
				l.emit.Emit(e)
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
			if asked, err = l.fault(err); err != nil {
				return err
			}
		}
		if now.changed {
			calm.Reset()
			eager.Reset()
			l.lastSign = time.Now()
		}
		wait := calm.NextBackOff()
		if near {
			wait = eager.NextBackOff()
		}
		wait = max(wait, min(asked, pacing.MaxRetryAfter))
		if left := time.Until(l.deadline); wait > left-time.Second && left > 1100*time.Millisecond {
			wait = left - time.Second // a last read, in time for its response
		}
		if l.pause(timed, wait) != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errDeadline
		}
	}
}

// isUnread reports whether nothing was read when the time was up, or not for a while.
// One read that failed at the end does not make the others untrue.
func (l *loop) isUnread() bool {
	return !l.read || l.lastErr != nil && time.Since(l.unreachableSince) >= heartbeat
}

// pause waits between two reads, and emits heartbeats.
func (l *loop) pause(ctx context.Context, wait time.Duration) error {
	for wait > 0 {
		next := max(0, heartbeat-time.Since(l.lastSign))
		part := min(wait, next)
		if err := pacing.Sleep(ctx, part); err != nil {
			return err
		}
		wait -= part
		if part == next {
			l.lastSign = time.Now()
			sign := l.heartbeat()
			if !l.unreachableSince.IsZero() {
				sign = event.Heartbeat{Still: "not readable", For: time.Since(l.unreachableSince)}
			}
			sign.Elapsed = time.Since(l.start)
			l.emit.Emit(sign)
		}
	}
	return nil
}

// fault takes note of a read that failed. It returns the Retry-After of the API, or
// a *verdict.Failure when there is nothing to wait for.
func (l *loop) fault(err error) (asked time.Duration, final error) {
	l.lastErr = err
	var e *pipecat.Error
	if errors.As(err, &e) {
		asked = e.RetryAfter
		if !e.Unauthorized() {
			l.unauthorized = 0
		} else if l.unauthorized++; e.FromAPI || l.unauthorized > 1 { // one page of a firewall may pass
			return 0, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Auth,
				Message: fmt.Sprintf("the API no longer accepts the key, so the outcome is not known: %v", err)}
		}
		// What is new may take a while to be found.
		if !e.Missing() {
			l.gone = 0
		} else if l.gone++; l.gone >= goneAfter && (l.known || l.read) {
			return 0, &verdict.Failure{Status: verdict.Failed, Reason: verdict.API,
				Message: fmt.Sprintf("three reads in a row found nothing; someone may have deleted it: %v", err)}
		}
	}
	if l.unreachableSince.IsZero() {
		l.unreachableSince = time.Now()
		l.emit.Emit(event.Unreachable{Err: err})
	}
	return asked, nil
}

// answered takes note of a read that succeeded.
func (l *loop) answered() {
	if !l.unreachableSince.IsZero() {
		l.lastSign = time.Now()
		l.emit.Emit(event.Recovered{After: time.Since(l.unreachableSince)})
	}
	l.read, l.lastErr, l.unreachableSince, l.gone, l.unauthorized = true, nil, time.Time{}, 0, 0
}

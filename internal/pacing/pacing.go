// Package pacing says when to try again, how long to wait for that, and how often
// to report what takes long.
package pacing

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// MaxRetryAfter is the longest Retry-After that is waited for. It is no more than
// the time between two heartbeats, so that an API that asks for minutes does not
// silence a job, nor hide a crash from it for longer.
const MaxRetryAfter = 30 * time.Second

// After is how long to wait before the next try, given what the API asked for.
func After(next backoff.BackOff, retryAfter time.Duration) time.Duration {
	return max(next.NextBackOff(), min(retryAfter, MaxRetryAfter))
}

// Exponential waits first, and then longer by a factor each time, up to most. It
// never ends, and is never random: jobs do not start in step, and what repeats
// exactly can be tested.
func Exponential(first time.Duration, factor float64, most time.Duration) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(first), backoff.WithMultiplier(factor), backoff.WithMaxInterval(most),
		backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0))
}

// Sleep waits for d, or until ctx is done, whose error it returns then.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Throttle lets a report through now and then.
type Throttle struct {
	Every time.Duration

	last time.Time
}

// Start makes the first report due when Every has passed, and not at once.
func (t *Throttle) Start() { t.last = time.Now() }

// Reset makes the next report due at once.
func (t *Throttle) Reset() { t.last = time.Time{} }

// Due reports whether Every has passed since a report was last due.
func (t *Throttle) Due() bool {
	if time.Since(t.last) < t.Every {
		return false
	}
	t.last = time.Now()
	return true
}

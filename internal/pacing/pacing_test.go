package pacing

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// TestAfter holds that an API's Retry-After is waited for, and no longer than
// MaxRetryAfter.
func TestAfter(t *testing.T) {
	for _, tt := range []struct{ next, retryAfter, want time.Duration }{
		{time.Second, 0, time.Second},
		{time.Second, 5 * time.Second, 5 * time.Second},
		{10 * time.Second, 5 * time.Second, 10 * time.Second},
		{time.Second, MaxRetryAfter, MaxRetryAfter},
		{time.Second, time.Hour, MaxRetryAfter},
		{time.Minute, time.Hour, time.Minute}, // the pace itself has no cap here
		{time.Second, -time.Second, time.Second},
	} {
		if got := After(backoff.NewConstantBackOff(tt.next), tt.retryAfter); got != tt.want {
			t.Errorf("next %s, Retry-After %s: got %s, want %s", tt.next, tt.retryAfter, got, tt.want)
		}
	}
}

// TestExponential holds that a pace grows to its limit, repeats exactly, and never
// ends.
func TestExponential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Exponential(2*time.Second, 2, 10*time.Second)
		for range 2 {
			for i, want := range []time.Duration{2, 4, 8, 10, 10} {
				if got := b.NextBackOff(); got != want*time.Second {
					t.Errorf("wait %d is %s, want %s", i, got, want*time.Second)
				}
			}
			time.Sleep(24 * time.Hour)
			if got := b.NextBackOff(); got != 10*time.Second {
				t.Errorf("after a day it is %s", got)
			}
			b.Reset()
		}
	})
}

func TestSleep(t *testing.T) {
	for _, tt := range []struct {
		name string
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		d    time.Duration
		err  error
		took time.Duration
	}{
		{"in full", context.WithCancel, time.Minute, nil, time.Minute},
		{"not at all", context.WithCancel, 0, nil, 0},
		{"canceled before", canceled(0), time.Minute, context.Canceled, 0},
		{"canceled before, for no time", canceled(0), 0, context.Canceled, 0},
		{"canceled during the wait", canceled(3 * time.Second), time.Minute, context.Canceled, 3 * time.Second},
		{"a deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 2*time.Second)
		}, time.Minute, context.DeadlineExceeded, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				err := Sleep(ctx, tt.d)
				if took := time.Since(began); err != tt.err || took != tt.took {
					t.Errorf("got %v after %s, want %v after %s", err, took, tt.err, tt.took)
				}
			})
		})
	}
}

// canceled makes contexts that are canceled so long after they are made.
func canceled(after time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(parent context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(parent)
		if after == 0 {
			cancel()
		}
		timer := time.AfterFunc(after, cancel)
		return ctx, func() { timer.Stop(); cancel() }
	}
}

// TestThrottle holds when a report is due: at once, unless Start was called, and
// then once in each interval.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := Throttle{Every: 10 * time.Second}
		due := func(when string, want bool) {
			t.Helper()
			if got := throttle.Due(); got != want {
				t.Errorf("%s: due %v, want %v", when, got, want)
			}
		}
		due("at first", true)
		due("again", false)
		time.Sleep(10*time.Second - 1)
		due("just before the interval is over", false)
		time.Sleep(time.Nanosecond)
		due("after the interval", true)
		due("again after the interval", false)
		throttle.Reset()
		due("after Reset", true)
		throttle.Start()
		due("after Start", false)
		time.Sleep(10 * time.Second)
		due("an interval after Start", true)
		time.Sleep(time.Hour)
		due("after an hour", true)
		due("once for all of the hour", false)
	})
}

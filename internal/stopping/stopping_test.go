package stopping

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestRun holds which exit code a job has, and when it ends, by what its work does
// once the job is stopped after a second.
func TestRun(t *testing.T) {
	const never = time.Hour
	takes := func(d time.Duration, code int) func() int {
		return func() int {
			time.Sleep(d)
			return code
		}
	}
	for _, tt := range []struct {
		name       string
		work, late func() int
		code       int
		after      time.Duration
	}{
		{"ends before it is stopped", takes(time.Second/2, 0), nil, 0, time.Second / 2},
		{"ends by itself", takes(2*time.Second, 3), nil, 3, 2 * time.Second},
		{"does not end", takes(never, 0), takes(0, 4), 4, time.Second + grace},
		{"neither ends", takes(never, 0), takes(never, 0), 1, time.Second + grace + last},
		{"exits", func() int { runtime.Goexit(); return 0 }, nil, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), time.Second)
				defer stop()
				began := time.Now()
				if code := Run(ctx, tt.work, tt.late); code != tt.code || time.Since(began) != tt.after {
					t.Errorf("exit code %d after %s, want %d after %s", code, time.Since(began), tt.code, tt.after)
				}
				time.Sleep(2 * never) // until all of it has ended
			})
		})
	}
	if grace+last >= 2*time.Second {
		t.Error("a job must end within two seconds")
	}
}

// slow is a writer that takes its time.
type slow struct {
	takes time.Duration
	mu    sync.Mutex
	text  string
}

func (s *slow) Write(p []byte) (int, error) {
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text += string(p)
	return len(p), nil
}

func (s *slow) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}

// TestWriter holds that a write takes as long as it needs, and no longer than WriteTimeout
// in a job that is stopped, after which nothing is written anymore.
func TestWriter(t *testing.T) {
	for _, tt := range []struct {
		name         string
		takes, after time.Duration
		written      string
	}{
		{"slow", 3 * time.Second, 3 * time.Second, "ab"},
		{"nearly too slow", time.Minute + WriteTimeout - 1, time.Minute + WriteTimeout - 1, "a"},
		{"too slow", 2 * time.Minute, time.Minute + WriteTimeout, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				began, to := time.Now(), &slow{takes: tt.takes}
				w := Writer(ctx, to)
				p := []byte("a")
				n, err := w.Write(p)
				if after := time.Since(began); after != tt.after || (n == 1) != (tt.written != "") || (n == 0) != errors.Is(err, ErrGivenUp) {
					t.Errorf("%d, %v after %s, want %q after %s", n, err, after, tt.written, tt.after)
				}
				p[0] = 'b'
				_, _ = w.Write(p)
				if got := to.String(); got != tt.written {
					t.Errorf("got %q, want %q", got, tt.written)
				}
				time.Sleep(time.Hour)
				if got := to.String(); tt.written == "" && got != "a" {
					t.Errorf("got %q: what was given up had changed, or more was written", got)
				}
			})
		})
	}
}

// TestWriterFails holds that the error of a write is passed on.
func TestWriterFails(t *testing.T) {
	reader, writer := io.Pipe()
	reader.Close()
	if n, err := Writer(t.Context(), writer).Write([]byte("a")); n != 0 || err != io.ErrClosedPipe {
		t.Errorf("%d, %v", n, err)
	}
}

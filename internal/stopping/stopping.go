// Package stopping gives a job that is stopped the time to say so, and no more:
// whatever the job is doing, and whether or not anyone reads what it writes.
package stopping

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// A runner kills a job ten seconds after the first signal, and people wait for it.
// All of these together are less than two seconds.
const (
	// WriteTimeout is how long a write may still take in a job that is stopped.
	WriteTimeout = 300 * time.Millisecond
	// grace is how long a job that is stopped may take to end by itself.
	grace = 1200 * time.Millisecond
	// last is how long what ends it otherwise may take.
	last = 500 * time.Millisecond
)

// ErrGivenUp is the error of what was given up because the job is stopped.
var ErrGivenUp = errors.New("nothing reads it, and the job was stopped")

// Signals is a context that is done at the first signal to end. A second one ends the
// process at once.
func Signals(ctx context.Context) context.Context {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads changes no verdict
	return ctx
}

// Run does a job's work, and returns its exit code. When ctx is done and the work does
// not end, it leaves the work as it is and ends the job by late, or else with exit
// code 1.
func Run(ctx context.Context, work, late func() int) int {
	worked := start(work)
	select {
	case code := <-worked:
		return code
	case <-ctx.Done():
	}
	if code, ok := within(worked, grace); ok {
		return code
	}
	if code, ok := within(start(late), last); ok {
		return code
	}
	return 1
}

// start begins what ends with an exit code, which is 1 for a goroutine that exits.
func start(f func() int) <-chan int {
	ended := make(chan int, 1)
	go func() {
		code := 1
		defer func() { ended <- code }()
		code = f()
	}()
	return ended
}

// Do does what may block for ever, such as to open a pipe that nobody reads. Once ctx
// is done it waits for that no longer than WriteTimeout, and returns ErrGivenUp.
func Do(ctx context.Context, f func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	if err, ok := within(ended, WriteTimeout); ok {
		return err
	}
	return ErrGivenUp
}

// within is what comes in a time, if anything does.
func within[T any](c <-chan T, d time.Duration) (got T, ok bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case got = <-c:
		return got, true
	case <-timer.C:
		return got, false
	}
}

// Writer is a writer that blocks no longer than WriteTimeout once ctx is done. After that,
// nothing is written to it anymore.
func Writer(ctx context.Context, w io.Writer) io.Writer { return &writer{ctx: ctx, w: w} }

type writer struct {
	ctx  context.Context
	mu   sync.Mutex
	w    io.Writer
	dead bool
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return 0, ErrGivenUp
	}
	text := bytes.Clone(p) // the caller may use p again while a write that was given up has it
	written := make(chan int, 1)
	err := Do(w.ctx, func() error {
		n, err := w.w.Write(text)
		written <- n
		return err
	})
	if w.dead = errors.Is(err, ErrGivenUp); w.dead {
		return 0, err
	}
	return <-written, err
}

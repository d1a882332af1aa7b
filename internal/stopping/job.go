package stopping

import (
	"context"
	"errors"
	"runtime/debug"

	"pipecat-cloud-deploy/internal/verdict"
)

// ErrNothing is the error of a job that has nothing to report, such as one that shows
// its help.
var ErrNothing = errors.New("there is nothing to report")

// Job does a job, has its result reported, and returns its exit code. A job that panics
// has a result, too, and so does one that is stopped, whatever it is busy with. report
// returns false where a green job was stopped before all of it was written: it is green
// no longer, and is reported once more.
func Job(ctx context.Context, job func() (verdict.Status, error), report func(verdict.Result) bool) int {
	end := func(green verdict.Status, err error) int {
		result := verdict.Of(green, err)
		if !report(result) {
			result = verdict.Of("", verdict.Unwritten())
			report(result)
		}
		return result.Status().ExitCode()
	}
	return Run(ctx, func() (code int) {
		defer func() {
			if p := recover(); p != nil {
				code = end("", verdict.Broken(p, debug.Stack()))
			}
		}()
		status, err := job()
		if errors.Is(err, ErrNothing) {
			return 0
		}
		return end(status, err)
	}, func() int { return end("", verdict.Unended()) })
}

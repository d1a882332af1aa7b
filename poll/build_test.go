package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// builds is a build that goes through statuses, each for ten seconds; a status
// that is an HTTP one is an error.
type builds struct {
	began    time.Time
	statuses []string
}

func (b builds) Build(context.Context, string) (*pipecat.Build, error) {
	i := min(int(time.Since(b.began)/(10*time.Second)), len(b.statuses)-1)
	if b.statuses[i] == "502" {
		return nil, &pipecat.Error{Status: http.StatusBadGateway}
	}
	return &pipecat.Build{Status: b.statuses[i], ErrorMessage: "step 3\nno such file"}, nil
}

// NewBuildLogs has a line for each second that the build has run.
func (b builds) NewBuildLogs(_ context.Context, _ string, seen int) (lines []string, err error) {
	for n := seen; n < int(time.Since(b.began)/time.Second); n++ {
		lines = append(lines, fmt.Sprint(n))
	}
	return lines, nil
}

func (b builds) LastBuildLogs(context.Context, string, int) ([]string, error) { return nil, nil }

// handle is an emitter whose events are handled by f.
func handle(f func(event.Event)) event.Emitter {
	return event.Emitter{Handle: func(e event.Entry) { f(e.Event) }}
}

// TestBuildPrinted holds that each line of a build's log is reported once, in order,
// and that none is asked for before it builds, nor after it is found ended.
func TestBuildPrinted(t *testing.T) {
	for _, tt := range []struct {
		statuses []string
		want     int // lines
	}{
		{[]string{"pending", "building", "502", "building", "success"}, 42},
		{[]string{"success"}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			_, err := Build(t.Context(), builds{time.Now(), tt.statuses}, Awaited{ID: "id", Deadline: time.Now().Add(5 * time.Minute)}, handle(func(e event.Event) {
				if p, ok := e.(event.Output); ok {
					for _, line := range p.Lines {
						if line != fmt.Sprint(n) {
							t.Errorf("line %d is %q", n, line)
						}
						n++
					}
				}
			}))
			if err != nil || n < tt.want-2 || n > tt.want {
				t.Errorf("%q: %d lines are reported, want about %d; %v", tt.statuses, n, tt.want, err)
			}
		})
	}
}

func TestBuild(t *testing.T) {
	for _, tt := range []struct {
		name     string
		statuses []string
		status   verdict.Status
		message  string
		shown    string
		reason   verdict.Reason // empty: build
	}{
		{"success", []string{"pending", "building", "success"}, "", "", "pending, building, success", ""},
		{"failed", []string{"building", "failed"}, verdict.Failed, "build id ended as failed and is not deployed", "building, failed", ""},
		{"timeout", []string{"timeout"}, verdict.Failed, "build id ended as timeout", "timeout", ""},
		{"away", []string{"building", "502", "success"}, "", "", "building, Unreachable, Recovered, success", ""},
		{"a new word", []string{"queued", "success"}, "", "", "queued, success", ""},
		{"of no status", []string{"", "success"}, "", "", "of no status, success", ""},
		{"of no status for ever", []string{""}, verdict.TimedOut, "it is of no status", "", ""},
		{"for ever", []string{"building"}, verdict.TimedOut, "build id did not end within build-timeout, after 5m: it is building", "", ""},
		{"away for good", []string{"building", "502"}, verdict.TimedOut, "the API could not be read when build-timeout was up", "", verdict.API},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events []event.Event
				b, err := Build(t.Context(), builds{time.Now(), tt.statuses}, Awaited{ID: "id", Deadline: time.Now().Add(5 * time.Minute)}, handle(func(e event.Event) { events = append(events, e) }))
				if tt.status == "" {
					if err != nil || b.Status != pipecat.BuildSuccess {
						t.Errorf("got %v and %v", b, err)
					}
				} else if f := verdict.Of("", err).Failure(); f.Status != tt.status || f.Reason != cmp.Or(tt.reason, verdict.Build) || !strings.Contains(f.Message, tt.message) {
					t.Errorf("got %+v, want %q with %q", f, tt.status, tt.message)
				}
				if got := shown(events); tt.shown != "" && got != tt.shown {
					t.Errorf("shown %s, want %s", got, tt.shown)
				}
			})
		})
	}
}

// oddBuilds is a build that is read by functions, which get how long after its
// beginning it is.
type oddBuilds struct {
	began time.Time
	build func(time.Duration) (*pipecat.Build, error)
	logs  func(ctx context.Context, seen int) ([]string, error)
}

// TestBuildTrouble holds that a log which cannot be read does not keep a build from
// being seen, and that one which is not there is not waited for.
func TestBuildTrouble(t *testing.T) {
	after := func(d time.Duration) func(time.Duration) (*pipecat.Build, error) {
		return func(at time.Duration) (*pipecat.Build, error) {
			if at < d {
				return &pipecat.Build{Status: "building"}, nil
			}
			return &pipecat.Build{Status: pipecat.BuildSuccess}, nil
		}
	}
	hangs := func(ctx context.Context, _ int) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
	for _, tt := range []struct {
		name   string
		build  func(time.Duration) (*pipecat.Build, error)
		logs   func(context.Context, int) ([]string, error)
		reason verdict.Reason // empty: it succeeds
		most   time.Duration
	}{
		{"a log that hangs", after(20 * time.Second), hangs, "", 35 * time.Second},
		{"a log that is refused", after(20 * time.Second), func(context.Context, int) ([]string, error) { return []string{"x"}, errNoAnswer }, "", 25 * time.Second},
		{"none from the start", func(time.Duration) (*pipecat.Build, error) {
			return nil, &pipecat.Error{Status: http.StatusNotFound, FromAPI: true}
		}, hangs, verdict.API, 15 * time.Second},
		{"away for the last poll alone", func(at time.Duration) (*pipecat.Build, error) {
			if at > 4*time.Minute+50*time.Second {
				return nil, &pipecat.Error{Status: http.StatusBadGateway}
			}
			return &pipecat.Build{Status: "building"}, nil
		}, func(context.Context, int) ([]string, error) { return nil, nil }, verdict.Build, 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := Build(t.Context(), oddBuilds{began, tt.build, tt.logs}, Awaited{ID: "id", Deadline: began.Add(5 * time.Minute)}, handle(func(e event.Event) {
					if p, ok := e.(event.Output); ok {
						t.Errorf("printed %q", p.Lines)
					}
				}))
				if tt.reason == "" && err != nil || tt.reason != "" && (err == nil || verdict.Of("", err).Reason() != tt.reason) {
					t.Errorf("got %v, want %q", err, tt.reason)
				}
				if took := time.Since(began); took > tt.most {
					t.Errorf("it took %s, more than %s", took, tt.most)
				}
			})
		})
	}
}

// TestBuildAlive holds that a heartbeat counts from the status' beginning, and
// that there is none while a build prints.
func TestBuildAlive(t *testing.T) {
	for _, tt := range []struct {
		name   string
		prints bool
		want   string
	}{
		{"silent", false, "building 30s, building 1m0s, building 1m30s"},
		{"printing", true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				b := oddBuilds{began, func(at time.Duration) (*pipecat.Build, error) {
					switch {
					case at < 20*time.Second:
						return &pipecat.Build{Status: "pending"}, nil
					case at < 2*time.Minute:
						return &pipecat.Build{Status: "building"}, nil
					}
					return &pipecat.Build{Status: pipecat.BuildSuccess}, nil
				}, func(_ context.Context, seen int) ([]string, error) {
					if tt.prints {
						return []string{fmt.Sprint(seen)}, nil
					}
					return nil, nil
				}}
				var signs []string
				_, err := Build(t.Context(), b, Awaited{ID: "id", Deadline: began.Add(5 * time.Minute)}, handle(func(e event.Event) {
					if a, ok := e.(event.Heartbeat); ok {
						signs = append(signs, fmt.Sprintf("%s %s", a.Still, a.For.Round(10*time.Second)))
					}
				}))
				if got := strings.Join(signs, ", "); err != nil || got != tt.want {
					t.Errorf("got %s, %v, want %s", got, err, tt.want)
				}
			})
		})
	}
}

// tailBuilds is a build whose last log lines are read by a function.
type tailBuilds struct {
	oddBuilds
	tail func(ctx context.Context, n int) ([]string, error)
}

func (b tailBuilds) LastBuildLogs(ctx context.Context, _ string, n int) ([]string, error) {
	return b.tail(ctx, n)
}

// TestBuildTail holds when a failure shows the end of a build's log, and that a log
// which cannot be read, or in time, changes nothing else.
func TestBuildTail(t *testing.T) {
	ends := func(status, message string) func(time.Duration) (*pipecat.Build, error) {
		return func(time.Duration) (*pipecat.Build, error) {
			return &pipecat.Build{Status: status, ErrorMessage: message}, nil
		}
	}
	away := func(time.Duration) (*pipecat.Build, error) { return nil, &pipecat.Error{Status: http.StatusBadGateway} }
	printed := func(_ context.Context, n int) ([]string, error) {
		return []string{"3", "4", "5", "6"}[max(0, 4-n):], nil
	}
	hangs := func(ctx context.Context, _ int) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
	refused := &pipecat.Error{Status: http.StatusForbidden}
	for _, tt := range []struct {
		name   string
		build  func(time.Duration) (*pipecat.Build, error)
		tail   func(context.Context, int) ([]string, error)
		lines  int
		reads  int // of the tail
		status verdict.Status
		reason verdict.Reason
		cause  verdict.Cause
		output string
		took   time.Duration
		shown  error // why the log does not show the tail; nil: nothing is said of it
	}{
		{"it failed", ends("failed", "step 3"), printed, 3, 1, verdict.Failed, verdict.Build, "", "step 3\n4\n5\n6", 0, nil},
		{"it failed, without an error", ends("failed", ""), printed, 3, 1, verdict.Failed, verdict.Build, "", "4\n5\n6", 0, nil},
		{"the platform gave it up", ends("timeout", "step 3"), printed, 1, 1, verdict.Failed, verdict.Build, verdict.BuildTimedOut, "step 3\n6", 0, nil},
		{"it ran out of time", ends("building", ""), printed, 3, 1, verdict.TimedOut, verdict.Build, verdict.BuildStillRunning, "4\n5\n6", 5 * time.Minute, nil},
		{"no lines are asked for", ends("failed", "step 3"), printed, 0, 0, verdict.Failed, verdict.Build, "", "step 3", 0, nil},
		{"it printed nothing", ends("failed", "step 3"), func(context.Context, int) ([]string, error) { return nil, nil }, 3, 1, verdict.Failed, verdict.Build, "", "step 3", 0, nil},
		{"the log hangs", ends("failed", "step 3"), hangs, 3, 1, verdict.Failed, verdict.Build, "", "step 3", 10 * time.Second, context.DeadlineExceeded},
		{"the log is refused", ends("failed", "step 3"), func(context.Context, int) ([]string, error) { return nil, refused }, 3, 1, verdict.Failed, verdict.Build, "", "step 3", 0, refused},
		{"the build cannot be read", away, printed, 3, 0, verdict.TimedOut, verdict.API, "", "", 5 * time.Minute, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reads, began := 0, time.Now()
				b := tailBuilds{oddBuilds{began, tt.build, func(context.Context, int) ([]string, error) { return nil, nil }}, func(ctx context.Context, n int) ([]string, error) {
					if reads++; n != minBuildLog {
						t.Errorf("%d lines are read, want %d", n, minBuildLog)
					}
					return tt.tail(ctx, n)
				}}
				var said []event.Output
				_, err := Build(t.Context(), b, Awaited{ID: "id", Deadline: began.Add(5 * time.Minute), LogLines: tt.lines}, handle(func(e event.Event) {
					if o, ok := e.(event.Output); ok {
						said = append(said, o)
					}
				}))
				var f *verdict.Failure
				if !errors.As(err, &f) {
					t.Fatalf("got %v", err)
				}
				if f.Status != tt.status || f.Reason != tt.reason || f.Cause != tt.cause || f.Output() != tt.output || reads != tt.reads {
					t.Errorf("got %+v after %d reads of the tail, want %s, %s, %q, output %q, %d reads", f, reads, tt.status, tt.reason, tt.cause, tt.output, tt.reads)
				}
				if n := len(f.Evidence); tt.lines > 0 && strings.HasSuffix(tt.output, "6") && f.Evidence[n-1].Text != "3\n4\n5\n6" {
					t.Errorf("of the log it keeps %q", f.Evidence[n-1].Text)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("it took %s, want %s", took, tt.took)
				}
				switch {
				case tt.shown == nil && len(said) > 0:
					t.Errorf("said %+v", said)
				case tt.shown != nil && (len(said) != 1 || said[0].Source != event.BuildTail || !errors.Is(said[0].Err, tt.shown)):
					t.Errorf("said %+v, want why the tail is not shown: %v", said, tt.shown)
				}
			})
		})
	}
}

// TestBuildTailStopped holds that a build which has failed ends a job as that, though
// the job is stopped while the end of its log is read.
func TestBuildTailStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		failed := func(time.Duration) (*pipecat.Build, error) {
			return &pipecat.Build{Status: pipecat.BuildFailed, ErrorMessage: "step 3"}, nil
		}
		b := tailBuilds{oddBuilds{began, failed, nil}, func(ctx context.Context, _ int) ([]string, error) {
			time.AfterFunc(time.Second, cancel)
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		_, err := Build(ctx, b, Awaited{ID: "id", Started: true, Deadline: began.Add(5 * time.Minute), LogLines: 3}, handle(func(e event.Event) {
			if _, ok := e.(event.Output); ok {
				t.Errorf("said %+v", e)
			}
		}))
		if f := verdict.Of("", err).Failure(); f.Status != verdict.Failed || f.Reason != verdict.Build || f.Output() != "step 3" {
			t.Errorf("got %+v", f)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestBuildStopped holds what a stopped job says of a build: the one that it started
// continues. For a build that was there before, the error is ctx's.
func TestBuildStopped(t *testing.T) {
	for _, started := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(33*time.Second, cancel)
			began := time.Now()
			_, err := Build(ctx, builds{began, []string{"building"}}, Awaited{ID: "id", Started: started, Deadline: began.Add(5 * time.Minute), LogLines: 3}, event.Emitter{})
			if took := time.Since(began); took != 33*time.Second {
				t.Errorf("it took %s", took)
			}
			if !started {
				if err != context.Canceled {
					t.Errorf("got %v", err)
				}
				return
			}
			f := verdict.Of("", err).Failure()
			const want = "the job was stopped while build id ran; the build continues, and nothing was deployed"
			if f.Status != verdict.Cancelled || f.Reason != verdict.ReasonCancelled || f.Message != want {
				t.Errorf("got %+v, want %q", f, want)
			}
		})
	}
}

// TestBuildID holds that a build has the id that was asked for, whatever its document
// says: that one is deployed.
func TestBuildID(t *testing.T) {
	for _, id := range []string{"id", "", "another"} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			b := oddBuilds{began, func(time.Duration) (*pipecat.Build, error) {
				return &pipecat.Build{ID: id, Status: pipecat.BuildSuccess}, nil
			}, nil}
			got, err := Build(t.Context(), b, Awaited{ID: "id", Deadline: began.Add(time.Minute)}, event.Emitter{})
			if err != nil || got.ID != "id" {
				t.Errorf("a document of %q: got %+v, %v", id, got, err)
			}
		})
	}
}

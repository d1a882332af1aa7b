package e2e

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/scratch"
	"pipecat-cloud-deploy/internal/simulator"
)

// Away holds what becomes of a job when the API is away, in each way there
// is: before the update, while it is made, and while it is waited for. Each run
// keeps the invariants of the search, too.
func Away(t *testing.T, run Program) {
	t.Parallel()
	slow, _ := simulator.ScriptOf("slow") // ready after 45 seconds
	play := func(t *testing.T, from, to time.Duration, f fault) *searchRun {
		r := newRun(t, run, 1, scratch.Dir(t))
		r.scenario = scenario{
			key: searchKey, exists: true, waitTimeout: 5 * time.Minute, scripts: map[string]simulator.Script{"go": slow},
			inputs:  map[string]string{"image": "ghcr.io/acme/bot:go", "wait-timeout": "5m"},
			outages: []outage{{from, to, f}},
		}
		for _, broken := range r.play() {
			t.Error(broken)
		}
		return r
	}
	type end struct{ status, reason string }
	expect := func(t *testing.T, r *searchRun, want end) {
		t.Helper()
		if got := (end{r.outputs["status"], r.outputs["failure-reason"]}); got != want {
			t.Errorf("got %v, want %v: %s\n%s", got, want, r.outputs["failure-message"], r.requests())
		}
	}
	const always = 24 * time.Hour

	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			reads, writes := f, f
			reads.writes, writes.reads = false, false
			if f.reads && !f.whole {
				t.Run("before", func(t *testing.T) {
					t.Parallel()
					want := map[string]end{
						"401 with the key": {"failed", "auth"}, "403": {"failed", "auth"},
						"404": {"failed", "refused"}, // to create it, because there is one
					}[f.name]
					if want.status == "" {
						want = end{"failed", "api"}
					}
					r := play(t, 0, always, reads)
					expect(t, r, want)
					if n := len(r.sent); n > 5 || len(r.ours) > 0 || want.reason == "api" && r.sent[n-1].method != http.MethodGet {
						t.Errorf("%d requests, and %d deployments\n%s", n, len(r.ours), r.requests())
					}
				})
				t.Run("waiting", func(t *testing.T) {
					t.Parallel()
					r := play(t, time.Second, time.Minute, reads)
					switch f.name {
					case "401 with the key", "403":
						expect(t, r, end{"failed", "auth"})
					case "404":
						expect(t, r, end{"failed", "api"})
					default:
						expect(t, r, end{"ready", ""})
						log := r.log.String()
						if gone, back := strings.Count(log, "Still waiting: "), strings.Count(log, "is reachable again, after"); gone != 1 || back != 1 {
							t.Errorf("told %d times that it is away, and %d times that it is back:\n%s", gone, back, log)
						}
					}
				})
				t.Run("for good", func(t *testing.T) {
					t.Parallel()
					r := play(t, time.Second, always, reads)
					switch f.name {
					case "401 with the key", "403", "404":
						return // as above
					}
					expect(t, r, end{"timed-out", "api"})
					if took := r.ended.Sub(r.began); took < r.waitTimeout-time.Second || took > r.waitTimeout+time.Second {
						t.Errorf("took %s, with a wait-timeout of %s", took, r.waitTimeout)
					}
				})
			}
			if f.writes {
				t.Run("update", func(t *testing.T) {
					t.Parallel()
					r := play(t, 0, time.Second/2, writes)
					made := 0
					switch f.name {
					case "401 with the key", "403":
						expect(t, r, end{"failed", "auth"})
					case "400", "400 with what was sent", "404", "410":
						expect(t, r, end{"failed", "refused"})
					case "redirect elsewhere", "redirect in the clear", "redirect in a loop":
						expect(t, r, end{"failed", "api"})
					default:
						expect(t, r, end{"ready", ""})
						made = 1
					}
					if len(r.ours) != made {
						t.Errorf("%d deployments, want %d\n%s", len(r.ours), made, r.requests())
					}
				})
			}
		})
	}
}

// Older holds that another client's deployment, which was made just before ours and
// is shown after it, does not take over.
func Older(t *testing.T, run Program) {
	t.Parallel()
	slow := fault{name: "delay", reads: true, whole: true, wrap: func(_ *rand.Rand, h http.Handler) http.Handler {
		return simulator.Delay(h, always, 5*time.Second)
	}}
	ok, _ := simulator.ScriptOf("ok")
	r := newRun(t, run, 1, scratch.Dir(t))
	r.scenario = scenario{
		key: searchKey, exists: true, readLag: 10 * time.Second, waitTimeout: 5 * time.Minute, scripts: map[string]simulator.Script{"go": ok},
		inputs:  map[string]string{"image": "ghcr.io/acme/bot:go", "wait-timeout": "5m"},
		outages: []outage{{0, time.Millisecond, slow}},
		others:  []otherUpdate{{time.Second, pipecat.Settings{Image: "ghcr.io/acme/bot:theirs"}}},
	}
	for _, broken := range r.play() {
		t.Error(broken)
	}
	if all := r.cloud.Deployments("bot"); r.outputs["status"] != "ready" || len(all) != 3 {
		t.Errorf("%v, with %q\n%s", r.outputs, all, r.requests())
	}
}

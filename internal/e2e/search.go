package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/scratch"
	"pipecat-cloud-deploy/internal/simulator"
)

var (
	searchRuns  = flag.Int("runs", 2000, "runs of the search")
	searchFirst = flag.Bool("first", false, "end the search with the first run that breaks the promise")
	searchSeed  = flag.Uint64("seed", 0, "the one run of the search to replay, and to show")
)

// foundOnce are seeds beyond those of a short search that have found something.
var foundOnce = []uint64{6410, 8451, 50897, 69907, 72756, 75252, 83832}

// Search searches for a run in which the action breaks its promise: the
// whole program, from inputs to written files, on a random agent, a random
// rollout and a random network, in virtual time. All that is random in a run
// comes from its seed.
//
//	go test -run Search . -args -runs 100000
//	go test -run Search . -args -seed 1234
func Search(t *testing.T, run Program) {
	t.Parallel()
	if *searchSeed != 0 {
		r := newRun(t, run, *searchSeed, scratch.Dir(t))
		broken := r.play()
		t.Logf("%s\n%s\n%s", r.scenario, r.requests(), r.log.String())
		for _, b := range broken {
			t.Errorf("seed %d: %s", *searchSeed, b)
		}
		return
	}

	var (
		mu     sync.Mutex
		total  tally
		failed int
	)
	const workers = 4
	t.Run("seeds", func(t *testing.T) {
		for worker := range workers {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				dir := scratch.Dir(t)
				for i := worker; i < *searchRuns+len(foundOnce); i += workers {
					seed := uint64(i + 1)
					if i >= *searchRuns {
						seed = foundOnce[i-*searchRuns]
					}
					r := newRun(t, run, seed, dir)
					broken := r.play()
					mu.Lock()
					total.add(r)
					if len(broken) > 0 {
						failed++
					}
					enough := failed > 10 || failed > 0 && *searchFirst
					mu.Unlock()
					for _, b := range broken {
						t.Errorf("seed %d: %s (go test -run Search . -args -seed %[1]d)", seed, b)
					}
					if enough {
						return
					}
				}
			})
		}
	})
	t.Log(total.String())
	if failed == 0 {
		total.check(t)
	}
}

const searchKey = "sk_search_0123456789abcdef"

// searchRun is one run of the search.
type searchRun struct {
	t       *testing.T
	program Program
	seed    uint64
	dir     string
	scenario

	cloud   *simulator.Cloud
	before  []string // the deployments that were there
	log     timedLog
	outputs map[string]string
	summary string
	began   time.Time
	ended   time.Time
	stopped time.Time // zero: it was not
	code    int
	odd     []string // what the network saw that must not be

	mu        sync.Mutex
	sent      []*request
	bodies    map[string]string    // of the first update, by its path
	ours      []string             // the deployments that the program's updates made
	rollbacks []string             // those that its rollbacks made
	theirs    map[string]time.Time // those of others, and when they were made
	inside    []string             // those of theirs that were made inside this job's requests
}

func newRun(t *testing.T, run Program, seed uint64, dir string) *searchRun {
	r := &searchRun{t: t, program: run, seed: seed, dir: dir, scenario: newScenario(rand.New(rand.NewPCG(seed, 0)))}
	if rng := rand.New(rand.NewPCG(seed, 1<<32)); rng.IntN(50) == 0 && !slices.Contains(foundOnce, seed) { // the seeds of other runs stay what they are
		r.scaleAlone(rng)
	}
	return r
}

// timedLog is a log that knows how long it was silent.
type timedLog struct {
	strings.Builder
	last    time.Time
	silence time.Duration
}

func (l *timedLog) Write(p []byte) (int, error) {
	now := time.Now()
	l.silence = max(l.silence, now.Sub(l.last))
	l.last = now
	return l.Builder.Write(p)
}

// play plays the run, and says which invariants it broke.
func (r *searchRun) play() (broken []string) {
	defer func() {
		if p := recover(); p != nil { // goroutines that are left, or a fault of the test's
			broken = append(broken, fmt.Sprint(p))
		}
	}()
	synctest.Test(r.t, func(t *testing.T) {
		defer func() {
			if p := recover(); p != nil {
				broken = append(broken, fmt.Sprintf("panic: %v", p))
			}
		}()
		r.run()
		r.mu.Lock() // others may deploy after its end
		defer r.mu.Unlock()
		broken = r.broken()
	})
	return broken
}

func (r *searchRun) run() {
	r.cloud = r.newCloud()
	r.cloud.Calls = (*rooms)(r)
	r.before = r.cloud.Deployments("bot")
	output, page, config := filepath.Join(r.dir, "output"), filepath.Join(r.dir, "summary"), filepath.Join(r.dir, "pcc-deploy.toml")
	if r.source != nil {
		r.write()
	}
	for _, file := range []string{output, page, config} {
		_ = os.Remove(file)
	}
	if r.config != "" {
		if err := os.WriteFile(config, []byte(r.config), 0o600); err != nil {
			panic(err)
		}
	}
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": r.dir, "GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": page,
		"INPUT_API-KEY": searchKey, "INPUT_AGENT-NAME": "bot", "RUNNER_TEMP": filepath.Join(r.dir, "temp"),
	}
	for name, value := range r.inputs {
		env["INPUT_"+strings.ToUpper(name)] = value
	}

	r.began = time.Now()
	r.log.last = r.began
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if r.cancelAfter > 0 {
		time.AfterFunc(r.cancelAfter, func() {
			r.mu.Lock()
			if r.ended.IsZero() {
				r.stopped = time.Now()
			}
			r.mu.Unlock()
			cancel()
		})
	}
	for _, other := range r.others {
		time.AfterFunc(other.at, func() { r.deployOther(other.settings) })
	}

	for _, c := range r.callers {
		time.AfterFunc(c.at, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.cloud.Dial("bot", c.Caller)
		})
	}

	code := r.program(ctx, nil, environ(env), &r.log, &r.log, (*network)(r))
	r.mu.Lock()
	r.code, r.ended = code, time.Now()
	r.mu.Unlock()
	time.Sleep(2 * time.Minute) // what is still on its way arrives
	if r.inputs["test-call"] != "" {
		time.Sleep(roomLasts)
	}

	text, err := os.ReadFile(output)
	if err == nil {
		r.outputs, err = ghatest.Outputs(string(text))
	}
	if err != nil {
		r.odd = append(r.odd, fmt.Sprintf("the outputs cannot be read: %v", err))
	}
	text, err = os.ReadFile(page)
	if err != nil {
		r.odd = append(r.odd, fmt.Sprintf("the summary cannot be read: %v", err))
	}
	r.summary = string(text)
}

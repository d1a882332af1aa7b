package e2e

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/summary"
)

var (
	searchRuns = flag.Int("runs", 3000, "runs of the search")
	searchSeed = flag.Uint64("seed", 0, "the one run of the search to replay, and to show")
)

// foundOnce are seeds beyond those of a short search that have found something.
var foundOnce = []uint64{6410, 8451, 50897, 69907, 75252, 83832}

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
		r := newRun(t, run, *searchSeed, t.TempDir())
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
				dir := t.TempDir()
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
					enough := failed > 10
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

// tally says what a search has been through.
type tally struct {
	runs, requests, faults, cancelled, others int
	uploads, built                            int // contexts, and deployments of them
	calm, inside                              int // runs in which nothing goes wrong, and deployments of others inside a request
	statuses, reasons, kinds                  map[string]int
}

func (s *tally) add(r *searchRun) {
	if s.statuses == nil {
		s.statuses, s.reasons, s.kinds = map[string]int{}, map[string]int{}, map[string]int{}
	}
	s.runs++
	s.requests += len(r.sent)
	for _, q := range r.sent {
		if q.fault.name != "" {
			s.faults++
			s.kinds[q.fault.name]++
		}
	}
	if r.cancelAfter > 0 {
		s.cancelled++
	}
	s.others += len(r.others)
	s.inside += len(r.inside)
	if r.calm {
		s.calm++
	}
	s.uploads += len(r.cloud.Uploads())
	if r.inputs["cloud-build"] != "" {
		s.built += len(r.ours)
	}
	s.statuses[r.outputs["status"]]++
	s.reasons[r.outputs["failure-reason"]]++
}

func (s *tally) String() string {
	counts := func(m map[string]int) string {
		var all []string
		for _, name := range slices.Sorted(maps.Keys(m)) {
			all = append(all, fmt.Sprintf("%s %d", name, m[name]))
		}
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%d runs, %d requests, %d faults, %d deployments of others and %d inside a request, %d cancellations, %d calm runs, %d build contexts uploaded and %d deployed\nstatuses: %s\nreasons: %s\nfaults: %s",
		s.runs, s.requests, s.faults, s.others, s.inside, s.cancelled, s.calm, s.uploads, s.built, counts(s.statuses), counts(s.reasons), counts(s.kinds))
}

// check finds what a long search should have come across, and has not.
func (s *tally) check(t *testing.T) {
	if s.runs < 2000 {
		return
	}
	for _, status := range verdict.Statuses() {
		if s.statuses[string(status)] == 0 {
			t.Errorf("no run ended as %s", status)
		}
	}
	if s.calm < s.runs/100 || s.inside == 0 {
		t.Errorf("only %d calm runs, and %d deployments inside a request", s.calm, s.inside)
	}
	if s.built == 0 {
		t.Error("no cloud build was deployed")
	}
	for _, reason := range []verdict.Reason{verdict.ReasonNoAnswer, verdict.ReasonUnproven, verdict.Bake} {
		if s.reasons[string(reason)] == 0 {
			t.Errorf("no run failed for %s", reason)
		}
	}
	for _, f := range faults {
		if s.kinds[f.name] == 0 {
			t.Errorf("no request met the fault %q", f.name)
		}
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

// broken says which invariants the run broke.
func (r *searchRun) broken() []string {
	broken := r.odd
	hold := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	status, id := verdict.Status(r.outputs["status"]), r.outputs["deployment-id"]
	green := r.code == 0
	last := r.cloud.Deployments("bot")

	// Green is the truth.
	switch status {
	case verdict.Ready, verdict.Unchanged:
		hold(r.asked(id) == "" || r.passesForOurs(id), "%s, with deployment %s, whose %s", status, id, r.asked(id))
		if r.inputs["wait-for-ready"] == "false" {
			hold(status == verdict.Unchanged, "ready, though nothing was waited for")
			break
		}
		serving, since := r.served()
		hold(serving == id, "%s, with deployment %q, while %q serves", status, id, serving)
		// A call and a watch come after it was ready for so long, and their looks may fail.
		later := r.inputs["test-call"] != "" || r.bake > 0
		hold(later || r.ended.Sub(since) >= r.minReady, "%s, after it served for %s of %s", status, r.ended.Sub(since), r.minReady)
	case verdict.Planned:
		hold(r.inputs["dry-run"] == "true", "planned, though it was to be made")
	case verdict.RolledBack:
		serving, _ := r.served()
		hold(len(r.rollbacks) == 1 && serving == r.rollbacks[0], "rolled back, with deployments %q, while %q serves", r.rollbacks, serving)
		if len(r.rollbacks) == 1 {
			hold(r.restored(r.rollbacks[0]) == "", "rolled back, but %s", r.restored(r.rollbacks[0]))
		}
	case verdict.Deployed:
		hold(r.inputs["wait-for-ready"] == "false", "deployed, though it was to be waited for")
		hold(r.asked(id) == "" || r.passesForOurs(id) || r.looksLikeOurs(id), "deployed, with deployment %s, whose %s", id, r.asked(id))
	}
	if status == verdict.Ready || status == verdict.Deployed {
		hold(slices.Contains(r.ours, id) || r.passesForOurs(id) || status == verdict.Deployed && r.looksLikeOurs(id), "%s, with deployment %s, which is not this job's", status, id)
	}
	if green && status != verdict.Planned && r.inputs["check-only"] == "" {
		least, most := r.cloud.Scaling("bot")
		for name, have := range map[string]int{"min-agents": least, "max-agents": most} {
			want := r.want(name)
			hold(want == "" || want == strconv.Itoa(have) || !r.exists && r.passesForOurs(id), "%s, and %s is %d and not %s", status, name, have, want)
		}
	}
	// A request that arrives late may meet what someone else has changed since.
	late := slices.ContainsFunc(r.sent, func(q *request) bool { return q.made && q.fault.name == "late" }) && len(r.theirs) > 0
	hold(status != verdict.Unchanged || len(r.ours) == 0 || late, "unchanged, though deployment %q was made", r.ours)
	switch verdict.Reason(r.outputs["failure-reason"]) {
	case verdict.Crash, verdict.OutOfMemory:
		hold(r.crashed(id), "%s, though no poll shows that %s crashes", r.outputs["failure-reason"], id)
	}
	hold(!r.calm || green, "red, though nothing went wrong: %s", r.outputs["failure-message"])

	// One request makes one deployment at most, and is not made again once it
	// is refused, nor after the job was stopped.
	overCreated := r.seemsCreated() && len(r.inside) > 0 // the creation seems to have met an agent
	hold(len(r.ours) <= 1 || r.againOverOthers() || overCreated, "%d deployments: %q", len(r.ours), r.ours)
	hold(len(r.rollbacks) <= 1, "%d rollbacks: %q", len(r.rollbacks), r.rollbacks)
	refused := -1
	for i, q := range r.sent {
		if q.call {
			continue // see brokenCalls
		}
		if q.builds {
			hold(r.stopped.IsZero() || !q.began.After(r.stopped), "request %d was sent after the job was stopped", i)
			continue
		}
		if q.rollback && refused >= 0 && !r.sent[refused].rollback {
			hold(false, "request %d is a rollback, though request %d was refused", i, refused)
		}
		if q.rollback {
			undo := r.inputs["rollback-on-failure"] == "true" && (len(r.ours) == 1 || r.againOverOthers() || r.othersPass()) && (status == verdict.RolledBack || status == verdict.Failed || status == verdict.TimedOut || status == verdict.Cancelled)
			hold(undo, "request %d is a rollback, of %q, with status %s", i, r.ours, status)
		}
		if refused >= 0 && r.sent[refused].path == "/v1/agents" && q.method == http.MethodPost && q.path == "/v1/agents/bot" {
			refused = -1 // the agent exists, and is updated, once
		}
		if q.method == http.MethodPost && !q.rollback {
			before := slices.IndexFunc(r.sent[:i], func(p *request) bool { return p.updates() })
			for n := i - 1; n > before && before >= 0; n-- {
				if r.sent[n].updates() {
					before = n
				}
			}
			hold(before < 0 || slices.ContainsFunc(r.sent[before:i], func(p *request) bool {
				shows := p.look || p.path == "/v1/agents" && p.updates() && !p.made // a creation is answered with the agent that is there
				return shows && p.answered && (p.status == http.StatusOK || p.look && p.status == http.StatusNotFound)
			}), "request %d is sent again, and no read of the agent came before it", i)
		}
		hold(q.method == http.MethodGet || refused < 0, "request %d was sent after request %d was refused", i, refused)
		if q.method == http.MethodPost && q.answered && q.fault.name != "garbled" && q.fault.name != "404 in HTML" && slices.Contains([]int{400, 401, 403, 404, 422}, q.status) &&
			!slices.ContainsFunc(r.sent[:i], func(p *request) bool { return p.made }) { // or it is a repeat that is refused
			refused = i
		}
		hold(r.stopped.IsZero() || !q.began.After(r.stopped), "request %d was sent after the job was stopped", i)
		hold(q.took <= 30*time.Second, "request %d took %s", i, q.took)
	}
	hold(r.inputs["dry-run"] != "true" || !slices.ContainsFunc(r.sent, func(q *request) bool { return q.method != http.MethodGet }), "a dry run sends an update")
	hold(!r.invalid || len(r.sent) == 0, "%d requests with inputs that are wrong", len(r.sent))

	// What it says of the agent is so.
	said := r.log.String() + r.summary
	for _, none := range []string{"nothing was deployed", "nothing was changed", "before anything was changed", "nothing was sent"} {
		hold(!strings.Contains(said, none) || len(r.ours) == 0, "it says %q, though deployment %q was made", none, r.ours)
	}
	hold(status != verdict.Unchanged || id == r.outputs["previous-deployment-id"], "unchanged, from deployment %q to %q", r.outputs["previous-deployment-id"], id)
	if status == verdict.Superseded {
		hold(len(last) > 0 && r.theirs[last[len(last)-1]] != (time.Time{}) || len(r.ours)+len(r.rollbacks) == 0 && len(r.theirs) > 0 || r.againOverOthers() || r.seemsCreated() || r.passesForOurs(id),
			"superseded, though nobody else deployed after it")
	}
	broken = append(broken, r.brokenClaims()...)
	if late := r.overdue(); late != "" {
		broken = append(broken, late)
	}

	broken = append(broken, r.brokenSecrets()...)
	broken = append(broken, r.brokenCalls()...)
	broken = append(broken, r.brokenBake()...)

	// A build is of what it is to be of, and leaves nothing behind.
	broken = append(broken, r.brokenBuilds()...)

	// It ends.
	first := slices.IndexFunc(r.sent, func(q *request) bool { return q.updates() })
	if first >= 0 {
		took := r.ended.Sub(r.sent[first].began)
		limit := r.waitTimeout + time.Second
		if r.inputs["rollback-on-failure"] == "true" {
			limit *= 2
		}
		limit += r.callTimeout + r.bake + 10*time.Second
		if r.bake > 0 {
			limit += 70 * time.Second // in which it may serve again
		}
		hold(took <= limit, "took %s from the update on, with a wait-timeout of %s", took, r.waitTimeout)
	} else {
		const reads = 5 * (5*10 + 4*30) * time.Second
		limit := r.buildTimeout + reads
		if slices.ContainsFunc(r.sent, func(q *request) bool { return q.stores }) {
			limit += r.waitTimeout
		}
		if r.inputs["check-only"] != "" {
			limit += r.waitTimeout + r.callTimeout + r.bake
		}
		hold(r.ended.Sub(r.began) <= limit, "took %s, without an update", r.ended.Sub(r.began))
	}
	if !r.stopped.IsZero() {
		hold(r.ended.Sub(r.stopped) < 2*time.Second, "took %s to stop", r.ended.Sub(r.stopped))
	}
	hold(status != verdict.Cancelled || !r.stopped.IsZero(), "cancelled, though nobody stopped it")
	// A read may be held off for half a minute, and then hang, and then show
	// what another half minute of polls shows.
	// So may a write, and an upload for a minute.
	hold(r.log.silence <= 92*time.Second, "silent for %s", r.log.silence)

	// What it says agrees.
	hold(slices.Contains(verdict.Statuses(), status), "status %q", status)
	hold(green == status.OK(), "exit code %d with status %s", r.code, status)
	hold(len(r.outputs) == len(summary.OutputTable()), "%d outputs", len(r.outputs))
	hold((r.outputs["failure-reason"] == "") == green && (r.outputs["failure-message"] == "") == green,
		"status %s with failure-reason %q and failure-message %q", status, r.outputs["failure-reason"], r.outputs["failure-message"])
	for i, q := range r.sent {
		taken := q.updates() && q.answered && q.fault.whole && q.status == http.StatusOK && q.ended.Before(r.ended)
		clear := r.answerLag+r.torn == 0 && len(r.inside) == 0 // it shows the deployment that it made, as it is
		if r.inputs["websocket-auth"] != "" && !r.showAuth {   // whether that is so already is not shown
			clear = false
		}
		if q.path == "/v1/agents" && !q.made { // it shows the agent that was there
			clear = false
		}
		hold(!taken || !clear || id != "", "no deployment-id, though request %d was answered", i)
	}
	hold(strings.HasPrefix(r.summary, "## ✓") == green && (green || strings.HasPrefix(r.summary, "## ✗")), "a summary that begins %.40q with status %s", r.summary, status)
	if row := "| Status | `"; strings.Contains(r.summary, row) {
		hold(strings.Contains(r.summary, row+string(status)+"` |"), "a summary without status %s", status)
	}
	hold(len(r.summary) < 1<<20, "a summary of %d bytes", len(r.summary))
	errs := 0
	for _, c := range ghatest.Commands(r.log.String()) {
		hold(slices.Contains([]string{"add-mask", "group", "endgroup", "notice", "warning", "error"}, c.Name), "the runner obeys %+v", c)
		hold(len(c.Properties) == 0 || len(c.Properties) == 1 && c.Properties["title"] != "" || r.config != "", "an annotation with %v", c.Properties)
		if c.Name == "error" {
			errs++
		}
	}
	hold((errs > 0) == !green, "%d errors are annotated with status %s", errs, status)
	away := strings.Count(r.log.String(), "Still waiting: ") - strings.Count(r.log.String(), "The API is reachable again")
	waits := 1
	if slices.ContainsFunc(r.sent, func(q *request) bool { return q.rollback }) {
		waits = 2
	}
	hold(away >= 0 && away <= waits, "the API's absence is reported to begin %d times more than to end", away)

	// The key is nowhere.
	log := strings.Replace(r.log.String(), "::add-mask::"+searchKey+"\n", "", 1)
	for where, text := range map[string]string{"log": log, "summary": r.summary, "outputs": fmt.Sprint(r.outputs)} {
		hold(!strings.Contains(text, searchKey), "the %s shows the key", where)
	}
	return broken
}

// brokenClaims says what the headline says of who serves callers, and looks do not
// show.
func (r *searchRun) brokenClaims() (broken []string) {
	headline, _, _ := strings.Cut(r.summary, "\n")
	var now simulator.Seen
	for _, q := range r.sent {
		if q.isRead() {
			now = q.seen
		}
	}
	if strings.Contains(headline, "is still serving calls") && !now.Available {
		broken = append(broken, fmt.Sprintf("it says %q, though nothing serves callers", headline))
	}
	if strings.Contains(headline, "nothing serves calls") && now.Available {
		broken = append(broken, fmt.Sprintf("it says %q, though callers are served", headline))
	}
	return broken
}

// overdue says what looks have shown for long, without an end of the job: that
// someone else's deployment is wanted, that the platform will not run this job's, or that it
// crashes or cannot be pulled. What the last request was answered with may take half a minute
// to be understood.
func (r *searchRun) overdue() string {
	id, known := r.outputs["deployment-id"], r.knownErrors()
	if i := slices.IndexFunc(r.sent, func(q *request) bool { return q.rollback }); i >= 0 {
		return "" // held before it
	}
	since, looks := map[string]time.Time{}, map[string]int{}
	var before time.Time // the look before
	for _, q := range r.sent {
		if q.updates() {
			clear(since)
			clear(looks)
		}
		if !q.isRead() {
			continue
		}
		s, ours := q.seen, q.seen.Desired == id && id != ""
		reason := ""
		if s.Health != nil && s.Reconciled && ours {
			reason = strings.ToLower(s.Health.Reason)
		}
		for what, shows := range map[string]bool{
			"another client's deployment is wanted": id != "" && !r.theirs[s.Desired].IsZero() && s.Desired != id && !r.theirs[s.Desired].Before(r.madeAt(id)),
			"the platform will not run it":          ours && slices.ContainsFunc(s.Errors, func(e pipecat.AgentError) bool { return isGrave(e, known, s.Serving) }),
			"it crashes again and again":            reason == "crashloopbackoff",
			"its image cannot be pulled":            slices.Contains([]string{"imagepullbackoff", "errimagepull", "createcontainerconfigerror", "invalidimagename"}, reason),
			"the platform gave it up":               ours && s.Reconciled && s.Failed,
		} {
			if !shows {
				delete(since, what)
				delete(looks, what)
				continue
			}
			if since[what].IsZero() {
				since[what] = q.ended
			}
			if looks[what]++; looks[what] > 6 && before.Sub(since[what]) > 75*time.Second {
				return fmt.Sprintf("%d polls have shown for %s that %s, and it continues", looks[what], before.Sub(since[what]), what)
			}
		}
		before = q.ended
	}
	return ""
}

// madeAt is when a deployment of this job's was made, about; zero when it was not.
func (r *searchRun) madeAt(id string) (at time.Time) {
	for _, q := range r.sent {
		if q.made && slices.Contains(r.ours, id) {
			at = q.began
		}
	}
	return at
}

// isGrave reports whether an error is one by which the platform refuses to run a
// deployment, given those that it had before: while it serves, one with the code of one
// of these says the same in other words.
func isGrave(e pipecat.AgentError, known []pipecat.AgentError, serves bool) bool {
	same := func(k pipecat.AgentError) bool { return k.Code == e.Code && k.Code != "" }
	if serves && slices.ContainsFunc(known, same) {
		return false
	}
	return e != pipecat.AgentError{} && !slices.Contains(known, e) && !strings.Contains(strings.ToUpper(e.Code+" "+e.Message), "RATE_LIMIT")
}

// knownErrors are those that the last read before the update showed. A creation that
// meets an agent becomes an update.
func (r *searchRun) knownErrors() (errs []pipecat.AgentError) {
	for _, q := range r.sent {
		if q.method == http.MethodPost && q.path == "/v1/agents/bot" {
			return errs
		}
		if q.updates() && !r.exists && len(r.inside) == 0 {
			return errs
		}
		if q.isRead() {
			errs = q.seen.Errors
		}
	}
	return errs
}

// served is the deployment that served at the last poll that got through, and
// since when polls have shown so. A poll that shows an error of the deployment's own
// does not show that it serves, and more than two in a row that did not get through
// show nothing of the time between.
func (r *searchRun) served() (id string, since time.Time) {
	known, failed := r.knownErrors(), 0
	if i := slices.IndexFunc(r.sent, func(q *request) bool { return q.rollback }); i >= 0 {
		for _, q := range r.sent[:i] { // those of what failed are not the rollback's
			if q.isRead() {
				known = q.seen.Errors
			}
		}
	}
	isOurs := func(e pipecat.AgentError) bool { return isGrave(e, known, true) }
	for i, q := range r.sent {
		switch {
		case !q.look:
			continue
		case i+1 < len(r.sent) && r.sent[i+1].call && r.sent[i+1].method == http.MethodPost && r.theirs[q.seen.Desired].IsZero():
			continue // it says where to call; the call shows whether that serves
		case !q.isRead():
			if failed++; failed > 2 {
				since = time.Time{}
			}
			continue
		}
		failed = 0
		serving := ""
		if q.seen.Serving && !slices.ContainsFunc(q.seen.Errors, isOurs) {
			serving = q.seen.Desired
		}
		if serving != id || since.IsZero() {
			id, since = serving, q.ended
		}
	}
	return id, since
}

// againOverOthers reports whether this job's update made a second deployment only
// because someone else's replaced the first before a read could show that, and because the API
// had said that the first was not accepted: without the other's the second request changes nothing.
// Of an agent that exists, a forced one does, so that no poll may have shown the first.
func (r *searchRun) againOverOthers() bool {
	all := r.cloud.Deployments("bot")
	if len(r.ours) != 2 || r.theirs[all[slices.Index(all, r.ours[1])-1]].IsZero() {
		return false
	}
	first := slices.IndexFunc(r.sent, func(q *request) bool { return q.made })
	replaced := r.theirs[all[slices.Index(all, r.ours[0])+1]]
	shown := slices.ContainsFunc(r.sent[first:], func(q *request) bool {
		return q.isRead() && q.began.Before(replaced.Add(r.lag())) // or could be
	})
	if forced := r.exists && r.inputs["force-redeploy"] == "true"; forced && (shown || replaced.IsZero()) {
		return false
	}
	return slices.ContainsFunc(r.sent, func(q *request) bool {
		return q.made && (q.fault.name == "429 after it" || q.fault.name == "409 after it")
	})
}

// othersPass reports whether a deployment of someone else's passes for this job's.
func (r *searchRun) othersPass() bool {
	for id := range r.theirs {
		if r.passesForOurs(id) {
			return true
		}
	}
	return false
}

// crashed reports whether looks have shown that a deployment crashes: that the platform
// gave it up, that it looped at two polls in a row, or that it restarted too often while it
// did not serve.
func (r *searchRun) crashed(id string) bool {
	forgiven, err := strconv.Atoi(r.inputs["max-restarts"])
	if err != nil {
		forgiven = 2
	}
	looping, first := false, -1
	for _, q := range r.sent {
		h := q.seen.Health
		if !q.isRead() || q.seen.Desired != id || !q.seen.Reconciled { // it says nothing of the deployment
			continue
		}
		if h == nil {
			looping = false
			continue
		}
		restarts := h.RestartCount
		if slices.Contains(r.before, id) && !r.seemsCreated() { // which may have restarted in a long life
			if first < 0 || restarts < first {
				first = restarts
			}
			restarts -= first
		}
		loops := strings.EqualFold(h.Reason, "CrashLoopBackOff")
		if q.seen.Failed || loops && looping || !q.seen.Serving && restarts > forgiven*max(1, h.ReplicasStarted) {
			return true
		}
		looping = loops
	}
	return false
}

// seemsCreated reports whether nothing distinguishes an agent that was there from one that
// this job has created: a read has missed it and does not say when that was.
func (r *searchRun) seemsCreated() bool {
	undated := func(q *request) bool { return q.look && q.status == http.StatusNotFound && !q.dated }
	return slices.ContainsFunc(r.sent, undated)
}

// passesForOurs reports whether nothing distinguishes a deployment of someone else's from
// this job's own: it has what was asked for, and was made inside a request of this job's, or so
// late that no read before the update could show it.
func (r *searchRun) passesForOurs(id string) bool {
	made, ok := r.theirs[id]
	if !ok && !slices.Contains(r.before, id) || r.showsOther(id) {
		return false
	}
	var looked time.Time
	for _, q := range r.sent {
		if q.updates() {
			break
		}
		if q.look && q.answered {
			looked = q.began
		}
	}
	if r.seemsCreated() {
		return true
	}
	return slices.Contains(r.inside, id) || !made.Before(looked.Add(-r.lag()))
}

// looksLikeOurs reports whether documents show another client's deployment, which was made
// inside this job's update, with what this job has asked for, until they are whole: a job
// that does not wait reads no other.
func (r *searchRun) looksLikeOurs(id string) bool {
	other, _, _ := strings.Cut(r.asked(id), " ")
	if other == "build-id" { // which is the image's
		other = "image"
	}
	return r.torn > 0 && slices.Contains(r.inside, id) && slices.Contains(r.tornSettings, other)
}

// restored says what of the deployment with the given id is not as it was before
// the job. Of WebSocket authorization the platform does not report what it was.
func (r *searchRun) restored(id string) string {
	was, is := r.cloud.Manifest("bot", r.outputs["previous-deployment-id"]), r.cloud.Manifest("bot", id)
	was.WebsocketAuth, is.WebsocketAuth = "", ""
	was.MaxSession, is.MaxSession = cmp.Or(was.MaxSession, 7200), cmp.Or(is.MaxSession, 7200) // which is the platform's own
	if was != is {
		return fmt.Sprintf("%+v is not %+v", is, was)
	}
	return ""
}

// showsOther reports whether documents show that the deployment with the given id is
// not as asked for.
func (r *searchRun) showsOther(id string) bool {
	other := r.asked(id)
	return other != "" && (r.showAuth || !strings.HasPrefix(other, "websocket-auth"))
}

// asked says what of the deployment with the given id is not as asked for.
func (r *searchRun) asked(id string) string {
	m := r.cloud.Manifest("bot", id)
	for _, s := range []struct{ name, have string }{
		{"image", m.Image}, {"build-id", m.BuildID}, {"secret-set", m.SecretSet}, {"agent-profile", m.Profile},
		{"image-credentials", m.PullSecret}, {"max-session-duration", strconv.Itoa(m.MaxSession)},
		{"krisp-viva-audio-filter", cmp.Or(m.AudioFilter, "none")}, {"websocket-auth", m.WebsocketAuth},
	} {
		if want := r.want(s.name); want != "" && s.have != want {
			return fmt.Sprintf("%s is %q, and not %q", s.name, s.have, want)
		}
	}
	return ""
}

// requests lists what was sent, and what became of it.
func (r *searchRun) requests() string {
	var b strings.Builder
	for i, q := range r.sent {
		fmt.Fprintf(&b, "%3d %7.1fs %4s %s: %s %d, after %s; %s\n", i, q.began.Sub(r.began).Seconds(), q.method, q.path, q.fault.name, q.status, q.took, shown(q.seen))
	}
	fmt.Fprintf(&b, "deployments: %q, of these by this job: %q, by others: %v", r.cloud.Deployments("bot"), r.ours, r.theirs)
	return b.String()
}

// shown is what a poll showed, in short.
func shown(s simulator.Seen) string {
	if s.Desired == "" {
		return ""
	}
	text := fmt.Sprintf("%.8s", s.Desired)
	for what, is := range map[string]bool{" reconciled": s.Reconciled, " serves": s.Serving, " failed": s.Failed} {
		if is {
			text += what
		}
	}
	if s.Health != nil {
		text += fmt.Sprintf(" %q %d/%d", s.Health.Reason, s.Health.RestartCount, s.Health.ReplicasStarted)
	}
	return fmt.Sprintf("%s, errors %.100q", text, s.Errors)
}

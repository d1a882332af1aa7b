package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

// scenario is all that happens around one run of the search.
type scenario struct {
	scales                              bool // and nothing else: see scaleAlone
	inputs                              map[string]string
	config                              string // pcc-deploy.toml
	invalid                             bool   // the inputs are wrong
	waitTimeout, buildTimeout, minReady time.Duration

	source        map[string]string // the files of the build context
	exists        bool              // the agent
	key           string
	readLag, skew time.Duration // of reads, and of the clock
	secrets       []simulator.SecretSet
	storedAfter   time.Duration // how long what this job stores is provisioned
	storedError   string        // why that fails; "": it does not
	builds        []simulator.Build
	scripts       map[string]simulator.Script
	cancelAfter   time.Duration // 0: never
	others        []otherUpdate
	rudeness
	callScenario

	readFaults, writeFaults float64 // their share
	outages                 []outage
	calm                    bool // nothing goes wrong, and it becomes ready in time
}

// rudeness is how awkward the platform is, beyond how a deployment goes.
type rudeness struct {
	readLags         []time.Duration // of its copies, by turns
	answerLag, torn  time.Duration   // see simulator.Cloud
	tornSettings     []string
	overtaken, raced *pipecat.Settings    // what others ask for inside this job's update, and its creation
	overtakenAt      int                  // its how manieth answer
	oldErrors        []pipecat.AgentError // that stay, whatever is deployed
	life             simulator.Script     // of the agent that is there
	existsStatus     int
	errorsAs         simulator.ErrorsAs

	showBuilds, showAuth, deprecatedReady bool

	sending bool // a request of this job's is with the cloud
}

// randomRudeness is what the platform may be like.
func randomRudeness(rng *rand.Rand) (r rudeness) {
	chance := func(p float64) bool { return rng.Float64() < p }
	seconds := func(most float64) time.Duration { return time.Duration(rng.Float64() * most * float64(time.Second)) }
	if chance(0.1) {
		r.readLags = pick(rng, []time.Duration{0, seconds(10)}, []time.Duration{0, 0, seconds(3), seconds(10)})
	}
	if chance(0.1) {
		r.answerLag = pick(rng, seconds(5), seconds(60))
	}
	if chance(0.1) {
		r.torn = seconds(5) // for longer it is as if the platform had dropped a setting
		for r.tornSettings == nil {
			for _, name := range []string{"image", "image-credentials", "secret-set", "agent-profile", "krisp-viva-audio-filter", "max-session-duration"} {
				if chance(0.4) {
					r.tornSettings = append(r.tornSettings, name)
				}
			}
		}
	}
	others := func(p float64) *pipecat.Settings {
		if !chance(p) {
			return nil
		}
		s := otherSettings(rng)
		return &s
	}
	r.overtaken, r.raced = others(0.05), others(0.2)
	if r.raced != nil && r.raced.Image == "" {
		r.raced.Image = "ghcr.io/acme/bot:theirs"
	}
	r.overtakenAt = pick(rng, 1, 1, 1, 2)
	r.existsStatus = pick(rng, 400, 409, 200)
	if chance(0.15) {
		r.oldErrors = []pipecat.AgentError{randomError(rng)}
	}
	r.life = randomLife(rng)
	r.errorsAs = pick(rng, simulator.ErrorList, simulator.ErrorList, simulator.ErrorObject, simulator.ErrorText)
	r.showBuilds, r.showAuth, r.deprecatedReady = chance(0.3), chance(0.3), chance(0.1)
	return r
}

// harmless reports whether it keeps nothing from becoming ready.
func (r rudeness) harmless() bool {
	return r.overtaken == nil && r.raced == nil && r.answerLag <= 5*time.Second && r.life.Name != "broken"
}

// otherSettings are what another client may ask for.
func otherSettings(rng *rand.Rand) pipecat.Settings {
	return pick(rng, pipecat.Settings{Image: "ghcr.io/acme/bot:theirs"}, pipecat.Settings{Image: "ghcr.io/acme/bot:theirs"},
		pipecat.Settings{Image: "ghcr.io/acme/bot:go"}, pipecat.Settings{AgentProfile: "agent-2x"}, pipecat.Settings{MaxSessionDuration: 1800})
}

// randomError is one that a document may show.
func randomError(rng *rand.Rand) pipecat.AgentError {
	return pipecat.AgentError{Code: pick(rng, "PCC_IMAGE_NOT_FOUND", "PCC-1004", "PCC_IMAGE_PULL_RATE_LIMIT", hostileText(rng)), Message: hostileText(rng)}
}

// age is how long an agent has been there.
const age = 24 * time.Hour

// randomLife is how the existing agent continues.
func randomLife(rng *rand.Rand) simulator.Script {
	const s = time.Second
	active := func(at time.Duration, restarts, replicas int) simulator.Frame {
		return simulator.Frame{At: at, Phase: pipecat.Active, Ready: true, Replicas: replicas,
			Health: &pipecat.Health{Ready: true, State: "running", RestartCount: &restarts, ReplicasStarted: replicas}}
	}
	begin := active(0, pick(rng, 0, 0, 9, 40), pick(rng, 1, 2, 5))
	restarts := begin.Health.Restarts()
	later := age + time.Duration(rng.IntN(100))*s
	switch rng.IntN(8) {
	case 0: // it restarts, and serves on
		return simulator.Script{Name: "long", Frames: []simulator.Frame{begin, active(later, restarts+3, begin.Replicas), active(later+20*s, restarts+30, begin.Replicas)}}
	case 1:
		f := active(later, restarts+pick(rng, 0, 5, 50), begin.Replicas)
		f.Ready = pick(rng, true, false)
		f.Health.Reason = pick(rng, "CrashLoopBackOff", "Error", "ImagePullBackOff", "")
		return simulator.Script{Name: "broken", Frames: []simulator.Frame{begin, f}}
	case 2: // it was broken all along
		begin.Ready = false
		begin.Health.Reason = pick(rng, "CrashLoopBackOff", "")
		return simulator.Script{Name: "broken", Frames: []simulator.Frame{begin}}
	}
	return simulator.Script{Name: "long", Frames: []simulator.Frame{begin}}
}

// otherUpdate is one that someone else makes.
type otherUpdate struct {
	at       time.Duration
	settings pipecat.Settings
}

// outage is a time in which every request meets the same fault.
type outage struct {
	from, to time.Duration
	fault    fault
}

const searchBuild = "123e4567-e89b-12d3-a456-426614174000"

func newScenario(rng *rand.Rand) scenario {
	chance := func(p float64) bool { return rng.Float64() < p }
	seconds := func(most float64) time.Duration { return time.Duration(rng.Float64() * most * float64(time.Second)) }
	s := scenario{
		inputs: map[string]string{}, key: searchKey, exists: chance(0.85),
		scripts: map[string]simulator.Script{"theirs": randomScript(rng), "v1": randomScript(rng)},
	}

	script := randomScript(rng)
	s.scripts["go"] = script
	switch rng.IntN(11) {
	case 10:
		s.inputs["cloud-build"], s.inputs["build-context"] = "true", "context"
		s.source = randomSource(rng)
	case 0:
		s.inputs["build-id"] = searchBuild
		s.builds = []simulator.Build{{ID: searchBuild, Script: "go", After: pick(rng, 0, seconds(60), seconds(900)),
			Status: pick(rng, "success", "success", "success", "failed", "timeout"), Error: hostileText(rng)}}
	case 1:
		s.inputs["image"] = "ghcr.io/acme/bot:v1" // what it has
	case 2:
		s.inputs["agent-profile"] = pick(rng, "agent-2x", "agent-1x", "agent-9x")
	case 3:
		s.inputs["force-redeploy"] = "true"
	case 4:
		s.config = "image = \"ghcr.io/acme/bot:go\"\n[scaling]\nmin_agents = 1\n"
	default:
		s.inputs["image"] = "ghcr.io/acme/bot:go"
	}
	some := func(name string, p float64, values ...string) {
		if chance(p) {
			s.inputs[name] = pick(rng, values...)
		}
	}
	some("force-redeploy", 0.3, "true", "false")
	some("secret-set", 0.2, "keys")
	some("min-agents", 0.1, "0", "1", "3")
	some("agent-profile", 0.1, "agent-3x")
	some("websocket-auth", 0.1, "token", "none")
	some("max-session-duration", 0.1, "3600")
	some("image-credentials", 0.1, "pull")
	some("krisp-viva-audio-filter", 0.1, "tel", "none")
	some("region", 0.1, "us-west", "us-west", "us-east")
	some("create-if-missing", 0.1, "false")
	some("wait-for-ready", 0.1, "false")
	some("dry-run", 0.05, "true")
	some("wait-for", 0.1, "warm")
	some("rollback-on-failure", 0.4, "true")
	some("max-restarts", 0.3, "0", "1", "4")
	timeout := func(name string) time.Duration {
		if chance(0.5) {
			return 600 * time.Second
		}
		d := 30*time.Second + seconds(300).Truncate(time.Second)
		s.inputs[name] = d.String()
		return d
	}
	s.waitTimeout, s.buildTimeout = timeout("wait-timeout"), timeout("build-timeout")
	if chance(0.2) {
		s.minReady = seconds(25).Truncate(time.Second)
		s.inputs["min-ready-seconds"] = s.minReady.String()
	}
	if chance(0.03) {
		s.invalid = true
		s.inputs[pick(rng, "image", "max-agents", "wait-timeout", "region")] = hostileText(rng) + " !"
	}

	if s.inputs["image-credentials"] != "" && chance(0.95) {
		s.secrets = []simulator.SecretSet{{Name: "pull", Pull: true, After: pick(rng, 0, 0, seconds(30)), Status: pick(rng, "ready", "ready", "ready", "failed")}}
	}
	if s.inputs["secret-set"] != "" && chance(0.95) {
		s.secrets = append(s.secrets, simulator.SecretSet{Name: "keys", After: pick(rng, 0, seconds(30), seconds(400)), Status: pick(rng, "ready", "ready", "ready", "failed")})
	}
	if chance(0.03) {
		s.key = "sk_another"
	}
	s.readLag = pick(rng, 0, 0, seconds(3), seconds(12))
	s.skew = pick(rng, 0, 0, seconds(600), -seconds(1e5))
	if chance(0.2) {
		s.cancelAfter = time.Millisecond + seconds(150)
	}
	for chance(0.2) {
		s.others = append(s.others, otherUpdate{seconds(pick(rng, 2.0, 20, 100)), otherSettings(rng)})
	}
	s.readFaults, s.writeFaults = pick(rng, 0, 0, 0.05, 0.3, 0.7), pick(rng, 0, 0, 0.3, 0.8)
	for chance(0.25) {
		from := seconds(pick(rng, 1.0, 60, 200))
		of := faults[rng.IntN(len(faults)-1)] // the last one takes too long to play
		s.outages = append(s.outages, outage{from, from + seconds(pick(rng, 10.0, 60, 900)), of})
	}

	if chance(0.02) { // a read misses the agent
		date, skew := chance(0.7), s.skew
		s.outages = append(s.outages, outage{0, time.Millisecond, fault{name: "404", reads: true, wrap: func(rng *rand.Rand, h http.Handler) http.Handler {
			var header []string
			if date {
				header = []string{"Date", time.Now().Add(skew).UTC().Format(http.TimeFormat)}
			}
			return answers(404, `{"error":"Not found"}`, header...)(rng, h)
		}}})
		s.writeFaults = 0.8
	}

	s.rudeness = randomRudeness(rng)
	if s.readLags != nil {
		s.readLag /= 6 // together they lag no further
		s.torn = max(0, min(s.torn, 6*time.Second-slices.Max(s.readLags)))
	}
	if !s.exists { // so that it has neither
		s.oldErrors, s.life = nil, simulator.Script{}
	}

	if chance(0.1) {
		s.quiet(rng)
	}
	ready := s.scripts["go"]
	asks := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return s.inputs[name] != "" })
	}
	known := s.inputs["image"] == "ghcr.io/acme/bot:go" || s.config != ""
	if s.inputs["image"] == "ghcr.io/acme/bot:v1" {
		if ready = s.scripts["v1"]; s.exists && !asks("agent-profile", "websocket-auth", "krisp-viva-audio-filter", "max-session-duration", "force-redeploy") {
			ready = simulator.Script{Name: "healthy", Frames: []simulator.Frame{{At: 20 * time.Second}}} // the current version continues
		}
		known = true
	}
	s.calm = known && ready.Name == "healthy" && len(s.others)+len(s.outages)+len(s.secrets) == 0 && s.readFaults+s.writeFaults == 0 && s.cancelAfter == 0 &&
		!s.invalid && s.key == searchKey && s.inputs["region"] != "us-east" && !asks("secret-set", "image-credentials") && s.inputs["wait-for"] != "warm" &&
		s.inputs["agent-profile"] != "agent-9x" && s.harmless() && (s.exists || s.inputs["create-if-missing"] != "false") &&
		ready.Frames[len(ready.Frames)-1].At+s.minReady+s.readLag+slices.Max(append(s.readLags, 0))+20*time.Second < s.waitTimeout
	if s.inputs["secret-set"] != "" && chance(0.6) {
		s.store(rng)
	}
	s.call(rng)
	return s
}

// secretValues are what a run of the search may store.
var secretValues = map[string]string{"TOKEN": "hunter2-$ecret", "API_KEY": "-----BEGIN\nhunter2/line\n-----END"}

// store has the job store secrets, in a set that is there or not.
func (s *scenario) store(rng *rand.Rand) {
	s.inputs["secrets"] = "TOKEN='" + secretValues["TOKEN"] + "' # comment\nexport API_KEY=\"" + secretValues["API_KEY"] + "\""
	s.inputs["force-redeploy"] = "true" // which they imply
	s.storedAfter = pick(rng, 0, 0, time.Duration(rng.IntN(20))*time.Second, time.Duration(rng.IntN(400))*time.Second)
	s.storedError = pick(rng, "", "", "", "", hostileText(rng))
	if rng.Float64() < 0.3 {
		s.secrets = slices.DeleteFunc(s.secrets, func(set simulator.SecretSet) bool { return !set.Pull })
	}
	for i := range s.secrets {
		if rng.Float64() < 0.05 {
			s.secrets[i].Name = "keys" // which may be a pull set
		}
	}
}

// scaleAlone makes a job that only scales, on a network that loses much, while others
// deploy.
func (s *scenario) scaleAlone(rng *rand.Rand) {
	s.scales = true
	s.exists, s.invalid, s.key, s.calm = true, false, searchKey, false
	s.source, s.config, s.builds, s.secrets, s.raced, s.callScenario = nil, "", nil, nil, nil, callScenario{}
	s.inputs = map[string]string{"min-agents": pick(rng, "2", "3"), "max-agents": pick(rng, "5", "60")}
	s.waitTimeout, s.buildTimeout, s.minReady = 600*time.Second, 600*time.Second, 0
	s.readFaults, s.writeFaults = pick(rng, 0, 0.3), pick(rng, 0.3, 0.9)
	s.others = append(s.others, otherUpdate{time.Duration(rng.IntN(20_000)) * time.Millisecond, otherSettings(rng)})
}

// quiet takes away what may keep a run from becoming ready: what is left is harmless.
func (s *scenario) quiet(rng *rand.Rand) {
	s.others, s.outages, s.secrets, s.readFaults, s.writeFaults, s.cancelAfter, s.key, s.invalid = nil, nil, nil, 0, 0, 0, searchKey, false
	for _, name := range []string{"secret-set", "image-credentials", "wait-for", "region", "create-if-missing", "agent-profile", "build-id", "build-context", "cloud-build", "max-agents"} {
		delete(s.inputs, name)
	}
	s.source, s.config, s.builds = nil, "", nil
	s.inputs["image"] = pick(rng, "ghcr.io/acme/bot:go", "ghcr.io/acme/bot:go", "ghcr.io/acme/bot:v1")
	for _, name := range []string{"go", "v1"} {
		for s.scripts[name].Name != "healthy" {
			s.scripts[name] = randomScript(rng)
		}
	}
	for s.exists && s.life.Name != "long" {
		s.life = randomLife(rng)
	}
	s.overtaken, s.raced, s.answerLag = nil, nil, min(s.answerLag, 5*time.Second)
	delete(s.inputs, "wait-timeout")
	s.waitTimeout = 600 * time.Second
}

func (s *scenario) newCloud() *simulator.Cloud {
	answers := 0
	raced := func(string) *pipecat.Settings {
		if !s.sending || answers > 0 {
			return nil
		}
		return s.raced
	}
	overtaken := func(string) *pipecat.Settings {
		if !s.sending {
			return nil
		}
		if answers++; answers != s.overtakenAt {
			return nil
		}
		return s.overtaken
	}
	cloud := &simulator.Cloud{Key: s.key, ReadLag: s.readLag, ReadLags: s.readLags, AnswerLag: s.answerLag, TornFor: s.torn, Torn: s.tornSettings,
		Skew: s.skew, Scripts: s.scripts, Bucket: "https://bucket.example/bucket", Overtaken: overtaken, Raced: raced,
		SecretsAfter: s.storedAfter, SecretsError: s.storedError, ExistsStatus: s.existsStatus, ErrorsAs: s.errorsAs, ShowBuilds: s.showBuilds, ShowWebsocketAuth: s.showAuth, DeprecatedReady: s.deprecatedReady,
		PublicKey: searchPublicKey, Busy: s.busy, OldTakes: s.oldTakes}
	if s.exists {
		cloud.AddAgent("bot", "us-west", "ghcr.io/acme/bot:v1")
		cloud.SetScript("bot", s.life)
		cloud.SetErrors("bot", s.oldErrors...)
	}
	for _, set := range s.secrets {
		cloud.AddSecretSet(set)
	}
	for _, build := range s.builds {
		cloud.AddBuild(build)
	}
	return cloud
}

// want is what the inputs or the config file ask for.
func (s *scenario) want(input string) string {
	if input == "image" && s.inputs["image"] == "" && s.config != "" {
		return "ghcr.io/acme/bot:go"
	}
	if input == "image-credentials" && (s.inputs["build-id"] != "" || s.inputs["cloud-build"] != "") {
		return "" // they go with an image
	}
	return s.inputs[input]
}

func (s scenario) String() string {
	script := s.scripts["go"]
	of := func(script simulator.Script) string {
		var b strings.Builder
		b.WriteString(script.Name)
		for _, f := range script.Frames {
			fmt.Fprintf(&b, "\n\t%+v", f)
			if f.Health != nil {
				fmt.Fprintf(&b, " health %+v", *f.Health)
			}
		}
		return b.String()
	}
	asked := func(settings *pipecat.Settings) string {
		if settings == nil {
			return "no"
		}
		return fmt.Sprintf("%+v", *settings)
	}
	return fmt.Sprintf("inputs %v %q, agent exists: %v, readLag %s %s, clock ahead %s, secrets %+v, builds %+v\nscript %s\nof v1 %s\nof theirs %s\nlife %s\nanswers lag %s, torn for %s %q, overtaken: %s, raced: %s, stored after %s, with %q, old errors %q, exists %d, errors as %d, builds shown %v, auth shown %v, deprecated ready %v\ncancelled after %s, others %+v, read faults %g, write faults %g, outages %+v, calls %+v, calm: %v",
		s.inputs, s.config, s.exists, s.readLag, s.readLags, s.skew, s.secrets, s.builds, of(script), of(s.scripts["v1"]), of(s.scripts["theirs"]), of(s.life),
		s.answerLag, s.torn, s.tornSettings, asked(s.overtaken), asked(s.raced), s.storedAfter, s.storedError, s.oldErrors, s.existsStatus, s.errorsAs, s.showBuilds, s.showAuth, s.deprecatedReady, s.cancelAfter, s.others, s.readFaults, s.writeFaults, s.outages, s.callScenario, s.calm)
}

func pick[T any](rng *rand.Rand, choices ...T) T { return choices[rng.IntN(len(choices))] }

var longText = strings.Repeat("long ", 5000)

// hostileText is what a crash, an error or an id should not get away with.
func hostileText(rng *rand.Rand) string {
	return pick(rng, "plain", "", "KeyError: 'OPENAI_API_KEY'\n",
		"\n::set-output name=status::ready\n", "  ::save-state name=x::y", "\r::set-env name=PATH::/tmp", "x ##[add-path]/tmp", "\n##[debug]x",
		"::stop-commands::x", "::add-mask::a", "Bearer "+searchKey, "\x1b[2K::debug::x", "a<<EOF\nEOF\nstatus=ready", "```\n# no\n![x](https://x)", longText)
}

// randomScript is how a deployment may go.
func randomScript(rng *rand.Rand) simulator.Script {
	seconds := func(most float64) time.Duration { return time.Duration(rng.Float64() * most * float64(time.Second)) }
	begin := 200*time.Millisecond + seconds(5)
	health := func() *pipecat.Health { return &pipecat.Health{State: "running", ReplicasStarted: 1 + rng.IntN(2)} }
	creating := simulator.Frame{At: begin, Phase: pipecat.Creating}
	starting := simulator.Frame{At: begin + seconds(40), Phase: pipecat.Validating, Health: health()}
	ready := simulator.Frame{At: starting.At + seconds(30), Phase: pipecat.Active, Ready: true, Health: &pipecat.Health{Ready: true, State: "running", ReplicasStarted: 1}}
	frames := []simulator.Frame{creating, starting, ready}
	name := pick(rng, "healthy", "healthy", "healthy", "slow", "crashing", "flapping", "never", "stuck", "refused", "pulling", "trouble", "early", "undecided", "lying", "random", "random")
	switch name {
	case "healthy": // and rude
		frames[2].RevisionBefore = rng.IntN(4) == 0
		frames[1].ActiveReady = rng.IntN(8) == 0
		if rng.IntN(8) == 0 {
			frames[2].Errors = []pipecat.AgentError{{Code: "PCC_IMAGE_PULL_RATE_LIMIT", Message: "the registry's rate_limit"}}
		}
	case "early": // errors before the operator looks, which may go
		frames = []simulator.Frame{{At: seconds(3), Errors: []pipecat.AgentError{randomError(rng)}}}
		at := frames[0].At + seconds(50)
		switch rng.IntN(3) {
		case 0:
			frames = append(frames, simulator.Frame{At: frames[0].At + seconds(15)})
			at += 15 * time.Second
		case 1: // it looks late, or too late
			at += seconds(400)
		}
		stay := rng.IntN(2) == 0
		for _, f := range []simulator.Frame{creating, starting, ready} {
			f.At = at
			if len(frames) == 1 && stay {
				f.Errors = frames[0].Errors
			}
			frames = append(frames, f)
			at += seconds(40)
		}
	case "undecided": // the operator goes back, and comes again
		back := simulator.Frame{At: ready.At + seconds(20)}
		again := ready
		again.At = back.At + seconds(30)
		frames = append(frames, back, again)
	case "lying": // ready, with a replica that is not
		lie := ready
		lie.Health = &pipecat.Health{Ready: rng.IntN(2) == 0, State: "waiting", ReplicasStarted: 1, RestartCount: new(rng.IntN(3)),
			Reason: pick(rng, "CrashLoopBackOff", "crashloopbackoff", "ImagePullBackOff", "ErrImagePull", "")}
		if lie.Health.Reason == "" {
			lie.Unavailable = true
		}
		frames = []simulator.Frame{creating, starting, lie}
		if rng.IntN(2) == 0 {
			ready.At = lie.At + seconds(40)
			frames = append(frames, ready)
		}
		for i := range frames {
			frames[i].ActiveReady = rng.IntN(3) == 0
		}
	case "slow":
		frames[1].At += seconds(300)
		frames[2].At = frames[1].At + seconds(30)
	case "crashing":
		frames = frames[:2]
		at := starting.At
		for n := range 2 + rng.IntN(6) {
			at += seconds(20)
			code := pick(rng, 1, 137, -1)
			h := &pipecat.Health{State: "waiting", Reason: pick(rng, "CrashLoopBackOff", "crashloopbackoff", "Error", "OOMKilled", ""), RestartCount: &n, ReplicasStarted: 1, Headline: hostileText(rng),
				LastExitCode: &code, LastTerminationReason: pick(rng, "Error", "OOMKilled", hostileText(rng)), Message: hostileText(rng)}
			frames = append(frames, simulator.Frame{At: at, Phase: pipecat.Validating, Health: h})
		}
		if rng.IntN(2) == 0 {
			frames = append(frames, simulator.Frame{At: at + seconds(20), Phase: pipecat.Active, Ready: true, Health: health()})
		}
	case "flapping":
		at := ready.At
		for range rng.IntN(12) {
			at += seconds(12)
			frames = append(frames, simulator.Frame{At: at, Phase: pick(rng, pipecat.Active, pipecat.Validating), Ready: rng.IntN(2) == 0, Health: health()})
		}
	case "never":
		frames = frames[:rng.IntN(2)]
	case "stuck":
		frames = frames[:2]
	case "refused":
		frames = []simulator.Frame{creating, {At: starting.At, Phase: pick(rng, pipecat.Failed, "failed", pipecat.Creating, pipecat.Active), Ready: rng.IntN(3) == 0,
			Errors: []pipecat.AgentError{randomError(rng)}}}
		if rng.IntN(3) == 0 { // an error that goes
			ready.At = starting.At + seconds(20)
			frames = append(frames, ready)
		}
	case "pulling":
		frames = []simulator.Frame{creating, {At: starting.At, Phase: pipecat.Creating,
			Health: &pipecat.Health{State: "waiting", Reason: pick(rng, "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"), Message: hostileText(rng)}}}
		if rng.IntN(2) == 0 {
			ready.At = starting.At + seconds(60)
			frames = append(frames, ready)
		}
	case "trouble":
		frames[1].Infrastructure = true
		if rng.IntN(2) == 0 {
			frames = frames[:2]
		}
	case "random":
		at := begin
		frames = nil
		for range rng.IntN(10) {
			f := simulator.Frame{At: at, Phase: pick(rng, pipecat.Creating, pipecat.Validating, pipecat.Active, "Draining", "Quantum", "failed", hostileText(rng)),
				Ready: rng.IntN(3) == 0, Infrastructure: rng.IntN(8) == 0, ActiveReady: rng.IntN(8) == 0,
				Unavailable: rng.IntN(12) == 0, RevisionBefore: rng.IntN(12) == 0}
			if rng.IntN(8) == 0 {
				f.Errors = []pipecat.AgentError{randomError(rng)}
			}
			if rng.IntN(3) > 0 {
				f.Health = &pipecat.Health{Ready: rng.IntN(2) == 0, State: pick(rng, "running", "waiting", "terminated", "odd"), RestartCount: new(rng.IntN(4)), ReplicasStarted: rng.IntN(3),
					Reason: pick(rng, "", "", "CrashLoopBackOff", "ErrImagePull", hostileText(rng)), Message: hostileText(rng)}
			}
			if rng.IntN(10) == 0 {
				f.Condition = &pipecat.Condition{Type: "Degraded", Status: pick(rng, "True", "False"), Reason: "ImageResolutionFailed", Message: hostileText(rng)}
			}
			frames = append(frames, f)
			at += seconds(30)
		}
	}
	return simulator.Script{Name: name, Frames: frames}
}

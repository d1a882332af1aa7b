package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

// scenario is all that happens around one run of the search.
type scenario struct {
	inputs                              map[string]string
	config                              string // pcc-deploy.toml
	invalid                             bool   // the inputs are wrong
	waitTimeout, buildTimeout, minReady time.Duration

	source        map[string]string // the files of the build context
	exists        bool              // the agent
	key           string
	readLag, skew time.Duration // of reads, and of the clock
	secrets       []simulator.SecretSet
	builds        []simulator.Build
	scripts       map[string]simulator.Script
	cancelAfter   time.Duration // 0: never
	others        []otherUpdate

	readFaults, writeFaults float64 // their share
	outages                 []outage
	calm                    bool // nothing goes wrong, and it becomes ready in time
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

	if s.inputs["secret-set"] != "" && chance(0.95) {
		s.secrets = []simulator.SecretSet{{Name: "keys", After: pick(rng, 0, seconds(30), seconds(400)), Status: pick(rng, "ready", "ready", "ready", "failed")}}
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
		settings := pipecat.Settings{Image: "ghcr.io/acme/bot:" + pick(rng, "theirs", "theirs", "theirs", "go")}
		s.others = append(s.others, otherUpdate{seconds(pick(rng, 2.0, 20, 100)), settings})
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

	healthy := script.Name == "healthy" && (s.inputs["image"] == "ghcr.io/acme/bot:go" || s.config != "")
	s.calm = healthy && len(s.others)+len(s.outages)+len(s.secrets) == 0 && s.readFaults+s.writeFaults == 0 && s.cancelAfter == 0 &&
		!s.invalid && s.key == searchKey && s.inputs["region"] != "us-east" && s.inputs["secret-set"] == "" && s.inputs["wait-for"] != "warm" &&
		(s.exists || s.inputs["create-if-missing"] != "false") &&
		script.Frames[len(script.Frames)-1].At+s.minReady+s.readLag+10*time.Second < s.waitTimeout
	return s
}

func (s *scenario) newCloud() *simulator.Cloud {
	cloud := &simulator.Cloud{Key: s.key, ReadLag: s.readLag, Skew: s.skew, Scripts: s.scripts, Bucket: "https://bucket.example/bucket"}
	if s.exists {
		cloud.AddAgent("bot", "us-west", "ghcr.io/acme/bot:v1")
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
	return s.inputs[input]
}

func (s scenario) String() string {
	script := s.scripts["go"]
	return fmt.Sprintf("inputs %v %q, agent exists: %v, readLag %s, clock ahead %s, secrets %+v, builds %+v\nscript %s: %+v\ncancelled after %s, others %+v, read faults %g, write faults %g, outages %+v, calm: %v",
		s.inputs, s.config, s.exists, s.readLag, s.skew, s.secrets, s.builds, script.Name, script.Frames, s.cancelAfter, s.others, s.readFaults, s.writeFaults, s.outages, s.calm)
}

func pick[T any](rng *rand.Rand, choices ...T) T { return choices[rng.IntN(len(choices))] }

// hostileText is what a crash, an error or an id should not get away with.
func hostileText(rng *rand.Rand) string {
	return pick(rng, "plain", "", "KeyError: 'OPENAI_API_KEY'\n",
		"\n::set-output name=status::ready\n", "  ::save-state name=x::y", "\r::set-env name=PATH::/tmp", "x ##[add-path]/tmp", "\n##[debug]x",
		"::stop-commands::x", "::add-mask::a", "Bearer "+searchKey, "\x1b[2K::debug::x", "a<<EOF\nEOF\nstatus=ready", "```\n# no\n![x](https://x)", strings.Repeat("long ", 5000))
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
	name := pick(rng, "healthy", "healthy", "slow", "crashing", "flapping", "never", "stuck", "refused", "pulling", "trouble", "random", "random")
	switch name {
	case "slow":
		frames[1].At += seconds(300)
		frames[2].At = frames[1].At + seconds(30)
	case "crashing":
		frames = frames[:2]
		at := starting.At
		for n := range 2 + rng.IntN(6) {
			at += seconds(20)
			code := pick(rng, 1, 137, -1)
			h := &pipecat.Health{State: "waiting", Reason: pick(rng, "CrashLoopBackOff", "Error", "OOMKilled", ""), RestartCount: n, ReplicasStarted: 1,
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
		frames = []simulator.Frame{creating, {At: starting.At, Phase: pick(rng, pipecat.Failed, pipecat.Creating),
			Errors: []pipecat.AgentError{{Code: pick(rng, "PCC_IMAGE_NOT_FOUND", "PCC-1004", hostileText(rng)), Message: hostileText(rng)}}}}
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
			f := simulator.Frame{At: at, Phase: pick(rng, pipecat.Creating, pipecat.Validating, pipecat.Active, "Draining", "Quantum", hostileText(rng)),
				Ready: rng.IntN(3) == 0, Infrastructure: rng.IntN(8) == 0}
			if f.Phase == "" {
				f.Phase = "Odd" // without one the operator has not looked
			}
			if rng.IntN(3) > 0 {
				f.Health = &pipecat.Health{Ready: rng.IntN(2) == 0, State: pick(rng, "running", "waiting", "terminated", "odd"), RestartCount: rng.IntN(4), ReplicasStarted: rng.IntN(3),
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

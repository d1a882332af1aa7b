package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
)

// NoCall is the input test-call where there is to be none.
const NoCall = "none"

const (
	publicKeyVariable = "PIPECAT_CLOUD_PUBLIC_API_KEY"
	maxBody           = 4 << 10  // bytes: what the platform passes on to a WebSocket
	maxSay            = 10 << 20 // bytes of a WAV file
)

// Call is the test call that is asked for. The zero Call is none.
type Call struct {
	Road        string // a transport of pipecat's; NoCall and "" for no call
	PublicKey   Secret // with which sessions are started; empty: none
	Body        map[string]any
	Timeout     time.Duration // until the agent must be heard
	Say         *phone.Recording
	MaxAnswer   time.Duration // 0: any
	MaxResponse time.Duration

	say string // the WAV file, relative to the working directory
}

// Asked reports whether there is to be a test call.
func (c Call) Asked() bool { return c.Road != "" && c.Road != NoCall }

// Plan is how the call goes.
func (c Call) Plan() phone.Plan {
	return phone.Plan{Say: c.Say, MaxAnswer: c.MaxAnswer, MaxResponse: c.MaxResponse}
}

// object reads the body of a session.
func object(s string) (map[string]any, error) {
	var body map[string]any
	decoder := json.NewDecoder(strings.NewReader(s))
	if err := decoder.Decode(&body); err != nil || body == nil || decoder.More() {
		return nil, fmt.Errorf("%s is not a JSON object such as {\"test_call\": true}", quote(s))
	}
	if len(s) > maxBody {
		return nil, fmt.Errorf("it has %d bytes; at most %d reach an agent", len(s), maxBody)
	}
	return body, nil
}

// checkCall finds what is wrong with the test call, and reads what it is to say.
func (c *Config) checkCall(given map[string]value, publicKey Secret) (problems Problems) {
	c.Call.PublicKey = publicKey
	wrong := func(name, format string, args ...any) {
		at := given[name].at
		if at.Input == "" {
			at.Input = name
		}
		problems = append(problems, at.With(format, args...))
	}
	key := string(publicKey)
	switch {
	case strings.HasPrefix(key, "sk_"):
		wrong("public-api-key", "it is a Private key; sessions are started with a Public one (dashboard: Settings > API Keys > Public)")
	case strings.HasPrefix(key, "pcc_pat_"):
		wrong("public-api-key", "it is a personal access token; sessions are started with a Public key (dashboard: Settings > API Keys > Public)")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		wrong("public-api-key", "it has a space, a line's end or another character that no key has; copy it again")
	case key == "" && (c.Call.Road == pipecat.Daily || c.Call.Road == pipecat.WebRTC):
		wrong("public-api-key", "it is empty, and test-call: %s starts a session, which needs a Public key (dashboard: Settings > API Keys > Public)", c.Call.Road)
	}
	if c.Call.Asked() && !c.WaitForReady {
		wrong("test-call", "it is %s, and wait-for-ready is false; a test call needs a version that is ready", c.Call.Road)
	}
	if c.BakeTime > 0 && !c.WaitForReady {
		wrong("bake-time", "it is %s, and wait-for-ready is false; only a version that is ready can be watched", c.BakeTime)
	}
	if c.Call.say != "" && c.Call.Asked() {
		if c.Call.Road == pipecat.Daily {
			wrong("test-call-say", "a test call by daily carries no sound; use webrtc, twilio or websocket, or remove it")
		} else if recording, err := readSay(filepath.Join(c.Workspace, c.WorkingDirectory, c.Call.say)); err != nil {
			wrong("test-call-say", "%s: %v", quote(c.Call.say), err)
		} else {
			c.Call.Say = recording
		}
	}
	if c.CheckOnly {
		problems = append(problems, c.checkOnly(given)...)
	}
	return problems
}

// readSay reads a WAV file.
func readSay(name string) (*phone.Recording, error) {
	data, err := readRegular(name, maxSay)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w; name a WAV file in working-directory", pathless(err))
	}
	recording, err := phone.ReadWAV(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return &recording, nil
}

// checkOnly finds what a job asks to deploy that is to deploy nothing. What a config
// file says is of no account: it is the deployments' own.
func (c *Config) checkOnly(given map[string]value) (problems Problems) {
	for _, in := range Table() {
		v, ok := given[in.Name]
		if ok && !v.fromFile() && (in.Change || in.Name == "dry-run" || in.Name == "rollback-on-failure") && !slices.Contains([]string{"false", "False", "FALSE"}, v.text) {
			problems = append(problems, v.at.With("it is set, and check-only deploys nothing; remove one of the two"))
		}
	}
	if len(c.Secrets) > 0 {
		problems = append(problems, Problem{Input: "secrets", Text: "it is set, and check-only changes nothing; remove one of the two"})
	}
	return problems
}

// pathless leaves the path out of a file's error, which the sentence has.
func pathless(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

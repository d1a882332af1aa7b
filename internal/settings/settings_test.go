package settings

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/pipecat"
)

func ptr[T any](v T) *T { return &v }

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// agent is the document of an agent with an image, changed.
func agent(change func(*pipecat.Agent, *pipecat.Spec)) *pipecat.Agent {
	a := &pipecat.Agent{Deployment: &pipecat.Deployment{ID: "old"}}
	a.Deployment.Manifest.Spec.Image = "ghcr.io/acme/bot:v1"
	if change != nil {
		change(a, &a.Deployment.Manifest.Spec)
	}
	return a
}

func image(name string) *pipecat.Agent {
	return agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.Image = name })
}

// cases are documents and what is asked for, and how Diff and Compare see that.
var cases = []struct {
	name    string
	setting string
	asked   pipecat.Settings
	doc     *pipecat.Agent
	before  string // in Diff
	moves   bool
	match   Match
}{
	{"the same image", "image", pipecat.Settings{Image: "ghcr.io/acme/bot:v1"}, agent(nil), "ghcr.io/acme/bot:v1", false, Same},
	{"another tag", "image", pipecat.Settings{Image: "ghcr.io/acme/bot:v2"}, agent(nil), "ghcr.io/acme/bot:v1", true, Different},
	{"another repository, the same tag", "image", pipecat.Settings{Image: "ghcr.io/acme/other:v1"}, agent(nil), "ghcr.io/acme/bot:v1", true, Different},
	{"a name that is spelled out", "image", pipecat.Settings{Image: "acme/bot:v1"}, image("docker.io/acme/bot:v1"), "docker.io/acme/bot:v1", false, Same},
	// The digest behind a tag is more of the same answer.
	{"a tag, shown with its digest", "image", pipecat.Settings{Image: "acme/bot:v1"}, image("acme/bot:v1@" + digest), "acme/bot:v1@" + digest, false, Same},
	{"another tag, shown with a digest", "image", pipecat.Settings{Image: "acme/bot:v2"}, image("acme/bot:v1@" + digest), "acme/bot:v1@" + digest, true, Different},
	// A digest that is asked for is not proven by a tag, nor a tag by a digest.
	{"a digest, shown as a tag", "image", pipecat.Settings{Image: "acme/bot:v1@" + digest}, image("acme/bot:v1"), "acme/bot:v1", true, Compatible},
	{"a tag, shown as a digest", "image", pipecat.Settings{Image: "acme/bot:v1"}, image("acme/bot@" + digest), "acme/bot@" + digest, true, Compatible},
	{"the same digest, without the tag", "image", pipecat.Settings{Image: "acme/bot:v1@" + digest}, image("acme/bot@" + digest), "acme/bot@" + digest, false, Same},
	{"another digest", "image", pipecat.Settings{Image: "acme/bot@" + strings.Replace(digest, "0", "f", 1)}, image("acme/bot@" + digest), "acme/bot@" + digest, true, Different},
	{"an image, shown as a build", "image", pipecat.Settings{Image: "acme/bot:v1"}, image("[redacted]"), "[redacted]", true, Different},
	{"an image that is not shown", "image", pipecat.Settings{Image: "acme/bot:v1"}, &pipecat.Agent{}, "", true, Unknown},

	{"a build, shown as one", "build-id", pipecat.Settings{BuildID: "id"}, image("[redacted]"), "", true, Compatible},
	{"a build, shown as an image", "build-id", pipecat.Settings{BuildID: "id"}, agent(nil), "", true, Different},
	{"a build that is not shown", "build-id", pipecat.Settings{BuildID: "id"}, &pipecat.Agent{}, "", true, Unknown},

	{"pull credentials", "image-credentials", pipecat.Settings{ImagePullSecretSet: "a"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.ImagePullSecretName = "a" }), "a", false, Same},
	{"other pull credentials", "image-credentials", pipecat.Settings{ImagePullSecretSet: "a"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.ImagePullSecretName = "b" }), "b", true, Different},
	{"no pull credentials", "image-credentials", pipecat.Settings{ImagePullSecretSet: "a"}, agent(nil), None, true, Different},
	{"pull credentials, and no manifest", "image-credentials", pipecat.Settings{ImagePullSecretSet: "a"}, &pipecat.Agent{}, "", true, Unknown},

	{"a secret set", "secret-set", pipecat.Settings{SecretSet: "a"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.EnvFromSecretNames = []string{"a"} }), "a", false, Same},
	{"one of several sets", "secret-set", pipecat.Settings{SecretSet: "a"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.EnvFromSecretNames = []string{"a", "b"} }), "a b", false, Same},
	{"none of several sets", "secret-set", pipecat.Settings{SecretSet: "c"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.EnvFromSecretNames = []string{"a", "b"} }), "a b", true, Different},
	{"no secret set", "secret-set", pipecat.Settings{SecretSet: "a"}, agent(nil), None, true, Different},

	{"a profile", "agent-profile", pipecat.Settings{AgentProfile: "agent-1x"}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.AgentProfile = "agent-1x" }), "agent-1x", false, Same},
	{"another profile", "agent-profile", pipecat.Settings{AgentProfile: "agent-2x"}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.AgentProfile = "agent-1x" }), "agent-1x", true, Different},
	{"a profile that is not shown", "agent-profile", pipecat.Settings{AgentProfile: "agent-1x"}, agent(nil), "", true, Unknown},

	{"a filter", "krisp-viva-audio-filter", pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.KrispViva = &pipecat.KrispViva{AudioFilter: ptr("tel")} }), "tel", false, Same},
	{"a filter that is off", "krisp-viva-audio-filter", pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.KrispViva = &pipecat.KrispViva{} }), None, true, Different},
	{"no filter, and it is off", "krisp-viva-audio-filter", pipecat.Settings{KrispViva: &pipecat.KrispViva{}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.KrispViva = &pipecat.KrispViva{} }), None, false, Same},

	// A manifest without a limit has the platform's own, 7200 seconds.
	{"a limit", "max-session-duration", pipecat.Settings{MaxSessionDuration: 60}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.MaxSessionDurationSeconds = 60 }), "60s", false, Same},
	{"the platform's limit, and none is shown", "max-session-duration", pipecat.Settings{MaxSessionDuration: 7200}, agent(nil), "7200s", false, Same},
	{"another limit, and none is shown", "max-session-duration", pipecat.Settings{MaxSessionDuration: 60}, agent(nil), "7200s", true, Different},
	{"the platform's limit, and no manifest", "max-session-duration", pipecat.Settings{MaxSessionDuration: 7200}, &pipecat.Agent{}, "", true, Unknown},

	{"authorization", "websocket-auth", pipecat.Settings{WebsocketAuth: "token"}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.WebsocketAuth = "token" }), "token", false, Same},
	{"another authorization", "websocket-auth", pipecat.Settings{WebsocketAuth: "token"}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.WebsocketAuth = "none" }), "none", true, Different},
	{"authorization that is not shown", "websocket-auth", pipecat.Settings{WebsocketAuth: "token"}, agent(nil), "", true, Unknown},

	{"a size", "resources", pipecat.Settings{Resources: &pipecat.Resources{CPU: "500m", Memory: "4Gi"}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) {
		a.Resources = &pipecat.Resources{CPU: "0.5", Memory: "4096Mi"}
	}), "cpu=0.5 memory=4096Mi", false, Same},
	{"another size", "resources", pipecat.Settings{Resources: &pipecat.Resources{CPU: "2", Memory: "4Gi"}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.Resources = &pipecat.Resources{CPU: "2", Memory: "4G"} }), "cpu=2 memory=4G", true, Different},
	{"a size, shown as the profile's", "resources", pipecat.Settings{Resources: &pipecat.Resources{CPU: "2", Memory: "4Gi"}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) {
		a.AgentProfile, a.Resources = "agent-1x", &pipecat.Resources{CPU: "500m", Memory: "1Gi"}
	}), "", true, Unknown},
	{"an architecture", "architecture", pipecat.Settings{Architecture: "arm64"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.Arch = "arm64" }), "arm64", false, Same},
	{"an architecture by its old name", "architecture", pipecat.Settings{Architecture: "amd64"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.DailyNodeType = "amd" }), "amd64", false, Same},
	{"another architecture", "architecture", pipecat.Settings{Architecture: "amd64"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.DailyNodeType = "arm" }), "arm64", true, Different},
	{"a node type", "architecture", pipecat.Settings{NodeType: "arm"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.DailyNodeType = "arm" }), "arm64", false, Same},
	{"another node type", "architecture", pipecat.Settings{NodeType: "arm"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.DailyNodeType = "gpu" }), "gpu", true, Different},
	{"a node type that is not shown", "architecture", pipecat.Settings{NodeType: "arm"}, agent(nil), "", true, Unknown},

	// Scaling proves nothing of a deployment. Diff takes the agent's own bounds, which
	// scaling changes, before those that the deployment began with.
	{"a bound", "min-agents", pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(2)}}, agent(func(a *pipecat.Agent, s *pipecat.Spec) {
		a.AutoScaling, s.AutoScaling = &pipecat.Replicas{MinReplicas: ptr(2)}, &pipecat.Replicas{MinReplicas: ptr(5)}
	}), "2", false, Same},
	{"another bound", "min-agents", pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(5)}}, agent(func(a *pipecat.Agent, s *pipecat.Spec) {
		a.AutoScaling, s.AutoScaling = &pipecat.Replicas{MinReplicas: ptr(2)}, &pipecat.Replicas{MinReplicas: ptr(5)}
	}), "2", true, Same},
	{"a bound of the manifest alone", "max-agents", pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MaxAgents: ptr(5)}}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.AutoScaling = &pipecat.Replicas{MaxReplicas: ptr(5)} }), "5", false, Same},
	{"a bound of zero", "min-agents", pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(0)}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.AutoScaling = &pipecat.Replicas{MinReplicas: ptr(1)} }), "1", true, Same},
}

// TestTable holds that Diff and Compare agree on every row, and that every row of
// the table is in the cases.
func TestTable(t *testing.T) {
	tested := map[string]bool{}
	for _, tt := range cases {
		t.Run(tt.setting+", "+tt.name, func(t *testing.T) {
			tested[tt.setting] = true
			changes := Diff(tt.doc, tt.asked)
			i := slices.IndexFunc(changes, func(c Change) bool { return c.Name == tt.setting })
			if i < 0 {
				t.Fatalf("%s is not in %+v", tt.setting, changes)
			}
			c := changes[i]
			if !c.Asked || c.Before != tt.before || c.Moves != tt.moves || c.After == "" {
				t.Errorf("got %+v, want before %q, moves %v", c, tt.before, tt.moves)
			}
			got := Compare(tt.asked, tt.doc)
			if got.Match != tt.match || (got.Name == tt.setting) != (tt.match != Same) {
				t.Errorf("compared: got %+v, want %v", got, tt.match)
			}
			if !c.Scaling && (got.Match == Same) == c.Moves {
				t.Errorf("Diff says that it moves: %v, Compare says %v", c.Moves, got.Match)
			}
		})
	}
	for _, name := range Names() {
		if !tested[name] {
			t.Errorf("no case is of %s", name)
		}
	}
}

// TestCompareAll holds what counts when settings are shown in different ways.
func TestCompareAll(t *testing.T) {
	build := image("[redacted]")
	for _, tt := range []struct {
		name  string
		asked pipecat.Settings
		doc   *pipecat.Agent
		match Match
		of    string
		text  string
	}{
		{"nothing is asked for", pipecat.Settings{}, &pipecat.Agent{}, Same, "", ""},
		{"no document", pipecat.Settings{Image: "a:b"}, nil, Unknown, "image", ""},
		{"one differs, another is not shown", pipecat.Settings{Image: "acme/bot:v2", AgentProfile: "agent-1x"}, agent(nil), Different, "image", `image is "ghcr.io/acme/bot:v1"`},
		{"one is not shown, a later one differs", pipecat.Settings{AgentProfile: "agent-1x", NodeType: "arm"},
			agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.DailyNodeType = "gpu" }), Different, "architecture", `architecture is "gpu"`},
		{"one may be the same, another is not shown", pipecat.Settings{BuildID: "id", AgentProfile: "agent-1x"}, build, Unknown, "agent-profile", ""},
		{"one may be the same", pipecat.Settings{BuildID: "id"}, build, Compatible, "build-id", ""},
		{"it is of no build", pipecat.Settings{BuildID: "id"}, agent(nil), Different, "build-id", `image is "ghcr.io/acme/bot:v1", of no build`},
		{"scaling alone", pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(3)}}, agent(nil), Same, "", ""},
	} {
		got := Compare(tt.asked, tt.doc)
		if got.Match != tt.match || got.Name != tt.of || tt.text != "" && got.String() != tt.text {
			t.Errorf("%s: got %+v, %s", tt.name, got, got)
		}
	}
}

// TestRevert holds that what is moved is put back, exactly and nothing else.
func TestRevert(t *testing.T) {
	before := agent(func(a *pipecat.Agent, s *pipecat.Spec) {
		a.AgentProfile, a.WebsocketAuth, a.KrispViva = "agent-1x", "none", &pipecat.KrispViva{}
		a.AutoScaling = &pipecat.Replicas{MinReplicas: ptr(1), MaxReplicas: ptr(10)}
		s.ImagePullSecretName, s.EnvFromSecretNames, s.DailyNodeType = "pull", []string{"set"}, "arm"
	})
	all := pipecat.Settings{Image: "ghcr.io/acme/bot:v2", ImagePullSecretSet: "p", SecretSet: "s", AgentProfile: "agent-2x", MaxSessionDuration: 60,
		KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}, WebsocketAuth: "token", NodeType: "gpu", AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(2), MaxAgents: ptr(3)}}
	for _, tt := range []struct {
		name   string
		before *pipecat.Agent
		asked  pipecat.Settings
		want   pipecat.Settings
		err    string
	}{
		{"everything", before, all, pipecat.Settings{Image: "ghcr.io/acme/bot:v1", ImagePullSecretSet: "pull", SecretSet: "set", AgentProfile: "agent-1x", MaxSessionDuration: 7200,
			KrispViva: &pipecat.KrispViva{}, WebsocketAuth: "none", NodeType: "arm", AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(1), MaxAgents: ptr(10)}}, ""},
		{"nothing that stays", before, pipecat.Settings{Image: "ghcr.io/acme/bot:v2", AgentProfile: "agent-1x"}, pipecat.Settings{Image: "ghcr.io/acme/bot:v1"}, ""},
		{"one bound", before, pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(2)}}, pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(1)}}, ""},
		{"an image in place of a build", before, pipecat.Settings{BuildID: "id"}, pipecat.Settings{Image: "ghcr.io/acme/bot:v1"}, ""},
		{"a build before", image("[redacted]"), pipecat.Settings{Image: "a:b"}, pipecat.Settings{}, "from a build, and the platform does not report which one"},
		{"a build before, and no secret set", image("[redacted]"), pipecat.Settings{Image: "a:b", SecretSet: "s"}, pipecat.Settings{}, "does not report which one; the agent had no secret-set"},
		{"a build before a build", image("[redacted]"), pipecat.Settings{BuildID: "id"}, pipecat.Settings{}, "from a build, and the platform does not report which one"},
		{"no secret set before", agent(nil), pipecat.Settings{SecretSet: "s"}, pipecat.Settings{}, "the agent had no secret-set, and the API cannot take one away"},
		{"no credentials before, and the rest anyway", agent(nil), pipecat.Settings{Image: "a:b", ImagePullSecretSet: "s"}, pipecat.Settings{Image: "ghcr.io/acme/bot:v1"}, "the agent had no image-credentials"},
		{"several sets before", agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.EnvFromSecretNames = []string{"a", "b"} }), pipecat.Settings{SecretSet: "c"}, pipecat.Settings{}, "several secret sets (a b)"},
		{"what is not shown", agent(nil), pipecat.Settings{WebsocketAuth: "token"}, pipecat.Settings{}, ""},
	} {
		back := Revert(Diff(tt.before, tt.asked), tt.before)
		err := back.Err()
		if !reflect.DeepEqual(back.Settings, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, back.Settings, tt.want)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
	}
}

// TestShown holds that an agent shows what Shown asks for, whatever it shows.
func TestShown(t *testing.T) {
	for _, tt := range cases {
		if got := Compare(Shown(tt.doc), tt.doc); got.Match != Same {
			t.Errorf("%s: %s, of %+v", tt.name, got, Shown(tt.doc))
		}
	}
	if got := Shown(nil); !reflect.DeepEqual(got, pipecat.Settings{}) {
		t.Errorf("no agent shows %+v", got)
	}
}

// TestDiffShown holds that what is not asked for is listed as it is, and stays.
func TestDiffShown(t *testing.T) {
	a := agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.AgentProfile = "agent-1x" })
	want := []Change{
		{Name: "image", Before: "ghcr.io/acme/bot:v1", After: "ghcr.io/acme/bot:v1", Artifact: true},
		{Name: "agent-profile", Before: "agent-1x", After: "agent-2x", Asked: true, Moves: true},
	}
	if got := Diff(a, pipecat.Settings{AgentProfile: "agent-2x"}); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	named := agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.AgentProfile, a.Deployment.BuildID = "agent-1x", "b1" })
	for _, tt := range []struct {
		before *pipecat.Agent
		want   []Change
	}{
		{nil, []Change{{Name: "build-id", Asked: true, Moves: true, Artifact: true}}},
		{a, []Change{want[0], {Name: "build-id", Asked: true, Moves: true, Artifact: true}, {Name: "agent-profile", Before: "agent-1x", After: "agent-1x"}}},
		{named, []Change{want[0], {Name: "build-id", Before: "b1", Asked: true, Moves: true, Artifact: true}, {Name: "agent-profile", Before: "agent-1x", After: "agent-1x"}}},
	} {
		if got := WithNewBuild(Diff(tt.before, pipecat.Settings{})); !slices.Equal(got, tt.want) {
			t.Errorf("a new build: got %+v, want %+v", got, tt.want)
		}
	}
	created := Diff(nil, pipecat.Settings{Image: "a:b"})
	if len(created) != 1 || created[0].Before != "" || !created[0].Moves {
		t.Errorf("of a new agent: %+v", created)
	}
}

// TestFromBuild holds how a build's image is known: it is redacted.
func TestFromBuild(t *testing.T) {
	for shown, want := range map[string]bool{"[redacted]": true, "redacted": true, "": false, "a/b:v1": false, "a/b@" + digest: false} {
		if got := FromBuild(image(shown)); got != want {
			t.Errorf("%q: %v", shown, got)
		}
	}
	if FromBuild(nil) {
		t.Error("no agent is from a build")
	}
}

package buildcontext

import (
	"archive/tar"
	"bytes"
	"flag"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
)

var withDocker = flag.Int("docker", 0, "hold the rules to what docker build sends, with so many random rules too, of which there are 300 at the least; 0 for none at all")

// sameAsDocker builds an image of all that docker sends of a context, and
// compares it to what is packed. That differs on purpose: the Dockerfile is in it
// in any case, and secrets are not.
//
//	go test ./internal/buildcontext -run Rule -args -docker 100
//
// It needs BuildKit, and a client that is newer than 20.10, which matches in
// another way. The classic builder does not look into a folder that is out for a pattern
// such as !**/x, and knows no ignore file but one.
func sameAsDocker(t *testing.T, dir, dockerfile string, all []packed) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	dockerfile, kept, err := findDockerfile(root, Options{Dockerfile: dockerfile})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, dockerfile, "FROM scratch\nCOPY . /\n")
	theirs := map[string]bool{}
	for _, p := range sent(t, dir, dockerfile) {
		theirs[p.String()] = true
	}
	for _, p := range all {
		always := slices.ContainsFunc(kept, func(k string) bool { return k == p.Name || strings.HasPrefix(k, path.Clean(p.Name)+"/") })
		if name := p.String(); !theirs[name] && !always {
			t.Errorf("docker does not send %q", name)
		}
		delete(theirs, p.String())
	}
	for name := range theirs {
		secret := inSecret(name)
		for other := range theirs { // in a folder with nothing else
			secret = secret || strings.HasSuffix(name, "/") && strings.HasPrefix(other, name) && inSecret(other)
		}
		if !secret {
			t.Errorf("docker sends %q", name)
		}
	}
}

func inSecret(name string) bool {
	name, _, _ = strings.Cut(name, "->")
	for part := range strings.SplitSeq(name, "/") {
		if IsSecret(part) {
			return true
		}
	}
	return false
}

// sent is what docker build copies of a context.
func sent(t *testing.T, dir, dockerfile string) (all []packed) {
	t.Helper()
	var said bytes.Buffer
	job := exec.Command("docker", "build", "--output", "type=tar,dest=-", "--file", filepath.Join(dir, dockerfile), dir)
	job.Env = append(os.Environ(), "DOCKER_BUILDKIT=1")
	job.Stderr = &said
	out, err := job.Output()
	if err != nil {
		t.Fatalf("docker build: %v\n%s", err, &said)
	}
	for r := tar.NewReader(bytes.NewReader(out)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg && h.Mode&0o111 != 0 {
			h.Mode = 0o755
		}
		if h.Name = strings.TrimPrefix(h.Name, "./"); h.Name != "" {
			all = append(all, packed{Header: *h})
		}
	}
}

// TestRandomRules packs random contexts by random rules, and holds that to a walk
// that looks into every folder, with Docker's own matcher and what may hold secrets
// left out; with -docker to docker as well.
func TestRandomRules(t *testing.T) {
	const perTree = 3 // for most of the time goes by in making files
	for seed := range max(100, *withDocker/perTree) {
		random := rand.New(rand.NewPCG(uint64(seed), 5))
		one := func(words string) string {
			all := strings.Fields(words)
			return all[random.IntN(len(all))]
		}
		some := func(words string) string {
			parts := []string{one(words)}
			for len(parts) < 4 && random.IntN(2) == 0 {
				parts = append(parts, one(words))
			}
			return strings.Join(parts, "/")
		}
		dir := tree(t, "Dockerfile")
		for range 14 {
			name := filepath.Join(dir, some("a b ab a.b a b ab a.b .env x.key"))
			if os.MkdirAll(filepath.Dir(name), 0o755) != nil { // beyond a file
				continue
			}
			switch random.IntN(8) {
			case 0:
				_ = os.Symlink(one("a ../b none"), name)
			case 1:
				_ = os.Mkdir(name, 0o755)
			default:
				_ = os.WriteFile(name, nil, 0o644) // or it is a folder
			}
		}
		for range perTree {
			lines := []string{"Dockerfile*"}
			for range 1 + random.IntN(5) {
				line := one("! ! _ _ _") + one("/ ./ _ _ _ _ _ _") + some("a a b b ab a.b * ** a* *b ? a? [ab] [^a] a[^x]b **b a** b**b .. . .env .* *.* *.key x.*") + one("/ _ _ _ _")
				line = strings.ReplaceAll(line, "_", "")
				if _, err := parse(line, false); err == nil {
					lines = append(lines, line)
				}
			}
			ignore := strings.Join(lines, "\n")
			write(t, dir, "Dockerfile.dockerignore", ignore)
			_, all := pack(t, Options{Dir: dir})
			var got []string
			for _, p := range all {
				if name := strings.TrimSuffix(p.Name, "/"); name != "Dockerfile" {
					got = append(got, name)
				}
			}
			sameWords(t, "packed", strings.Join(got, " "), strings.Join(everywhere(t, dir, ignore), " "))
			if *withDocker > 0 {
				sameAsDocker(t, dir, "", all)
			}
			if t.Failed() {
				t.Fatalf("seed %d, rules %q", seed, lines)
			}
		}
	}
}

// everywhere are the paths that rules leave, and the folders that these are in.
func everywhere(t *testing.T, dir, ignore string) (names []string) {
	t.Helper()
	var patterns []string
	for line := range strings.Lines(ignore) {
		more, err := parse(line, false)
		if err != nil {
			t.Fatal(err)
		}
		patterns = append(patterns, more...)
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	in, kept := map[string]bool{".": true}, map[string]bool{}
	infos := map[string]patternmatcher.MatchInfo{}
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		out, info, err := m.MatchesUsingParentResults(name, infos[path.Dir(name)])
		infos[name] = info
		kept[name] = (kept[path.Dir(name)] || IsSecret(path.Base(name))) && !slices.ContainsFunc(patterns, func(p string) bool {
			pattern, negated := strings.CutPrefix(p, "!")
			return negated && newNegation(pattern).names(name)
		})
		out = out || kept[name]
		for at := name; !out && !in[at] && at != "Dockerfile"; at = path.Dir(at) {
			in[at] = true
			names = append(names, at)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

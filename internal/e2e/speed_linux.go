package e2e

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/simulator"
)

var (
	against = flag.String("against", "", "the folder of daily-co's action that TestSpeed measures against, by node")
	rounds  = flag.Int("rounds", 5, "how often TestSpeed then measures each")
)

const (
	textSize  = 15_729   // bytes of a text; 10,000 of them are 150 MiB
	noiseSize = 10 << 20 // bytes of a file that does not compress
	maxPeak   = 48 << 10 // KiB
	mostTime  = 0.2      // of the other action's
	mostBytes = 1.05     // of the other action's
)

// Speed measures the process in a cloud build: the time from its
// start until all of the context is in the bucket, its peak memory, and the size
// of the archive. The bucket hashes what comes, and does not unpack it.
//
// With another action, in turn with that one, it measures 300 MiB: half text, and
// half what does not compress. See .ci/bench.
func Speed(t *testing.T) {
	texts, noises, times := 500, 1, 1
	if *against != "" {
		texts, noises, times = 10_000, 15, *rounds
	} else {
		t.Parallel() // no time decides
	}
	program, dir := built(t), t.TempDir()
	layTexts(t, dir, texts)
	layNoise(t, dir, noises)

	var ours, theirs []usage
	var cloud *simulator.Cloud
	for range times {
		cloud = fastCloud()
		ours = append(ours, measure(t, exec.Command(program), cloud, dir))
		if *against != "" {
			theirs = append(theirs, measure(t, exec.Command("node", filepath.Join(*against, "dist", "index.js")), fastCloud(), dir, theirDefaults...))
		}
	}
	us := median(ours)
	t.Logf("%d texts and %d MiB of noise on %d cores, context %s", texts, noises*noiseSize>>20, runtime.NumCPU(), cloud.Uploads()[0].Hash)
	t.Logf("ours:   %s", describe(ours))
	if us.peak == 0 || us.peak > maxPeak {
		t.Errorf("%d KiB at the most, want %d", us.peak, maxPeak)
	}
	again := measure(t, exec.Command(program), cloud, dir)
	t.Logf("again:  %d bytes to the bucket, and %.2f s to the end", again.sent, again.ended.Seconds())
	if again.sent != 0 || again.uploaded != 0 || len(cloud.Builds()) != 1 {
		t.Errorf("an equal build is not reused: %d bytes sent, %d builds", again.sent, len(cloud.Builds()))
	}
	if *against == "" {
		return
	}
	them := median(theirs)
	t.Logf("theirs: %s", describe(theirs))
	inTime, inBytes := us.uploaded.Seconds()/them.uploaded.Seconds(), float64(us.archive)/float64(them.archive)
	t.Logf("ours of theirs: time %.3f, memory %.3f, archive %.4f", inTime, float64(us.peak)/float64(them.peak), inBytes)
	if inTime > mostTime || inBytes > mostBytes {
		t.Errorf("want %g of the time, and %g of the bytes, at the most", mostTime, mostBytes)
	}

	var each []float64 // file's time
	for _, files := range []int{25_000, 100_000} {
		dir := t.TempDir()
		laySmall(t, dir, files)
		var all []usage
		for range times {
			all = append(all, measure(t, exec.Command(program), fastCloud(), dir))
		}
		each = append(each, median(all).uploaded.Seconds()*1e6/float64(files))
		t.Logf("%d small files: %s; %.1f µs a file", files, describe(all), each[len(each)-1])
		if peak := median(all).peak; peak > maxPeak {
			t.Errorf("%d KiB at the most, want %d", peak, maxPeak)
		}
	}
	if each[1] > 1.3*each[0] {
		t.Errorf("four times the files take each %.2f times as long", each[1]/each[0])
	}
}

// theirDefaults are what a runner gives daily-co's action where a workflow sets
// nothing. Without a region the platform would refuse its upload.
var theirDefaults = []string{
	"INPUT_BUILD-CONTEXT=.", "INPUT_DOCKERFILE=Dockerfile", "INPUT_BUILD-TIMEOUT=600", "INPUT_MIN-AGENTS=0", "INPUT_MAX-AGENTS=10",
	"INPUT_ENABLE-MANAGED-KEYS=false", "INPUT_WAIT-TIMEOUT=90",
}

// fastCloud builds at once, and does not look into contexts.
func fastCloud() *simulator.Cloud {
	cloud := &simulator.Cloud{Key: searchKey, SkipUnpack: true, BuildScripts: map[string]simulator.BuildScript{"ok": {Name: "ok"}}}
	cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
	return cloud
}

// usage is what a cloud build takes.
type usage struct {
	uploaded time.Duration // from the start until all of the context is in the bucket
	ended    time.Duration // from the start to the end
	peak     int           // KiB of memory, up to the last request
	archive  int64         // bytes
	sent     int64         // bytes to the bucket, with the form around the archive
}

// measure runs a job that makes a build of a folder.
func measure(t *testing.T, program *exec.Cmd, cloud *simulator.Cloud, dir string, env ...string) (u usage) {
	t.Helper()
	var job *process
	started := make(chan struct{})
	handled := make(chan struct{}, 1) // one request at a time
	var began time.Time
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handled <- struct{}{}
		defer func() { <-handled }()
		<-started
		if simulator.IsUpload(r) {
			r.Body = countedBody{r.Body, &u.sent}
			defer func() { u.uploaded = time.Since(began) }()
		}
		// The process waits for the answer, so it is there to be looked at.
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", job.Process.Pid))
		if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
			_, _ = fmt.Sscan(rest, &u.peak)
		}
		cloud.ServeHTTP(w, r)
	})
	output := filepath.Join(t.TempDir(), "output")
	if err := os.WriteFile(output, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	program.Dir = dir
	env = append([]string{"GITHUB_WORKSPACE=" + dir, "GITHUB_OUTPUT=" + output, "INPUT_CLOUD-BUILD=true", "INPUT_REGION=us-west", "INPUT_WAIT-FOR-READY=false"}, env...)
	began = time.Now()
	job = startAs(t, program, api, env...)
	close(started)
	err := job.Wait()
	u.ended = time.Since(began)
	handled <- struct{}{} // the last has been
	if err != nil {
		t.Fatalf("%v\n%s", err, job.log)
	}
	for _, up := range cloud.Uploads() {
		u.archive = up.Size
	}
	return u
}

type countedBody struct {
	io.ReadCloser
	n *int64
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	*b.n += int64(n)
	return n, err
}

// median has the median of each.
func median(all []usage) usage {
	of := func(key func(usage) int64) int64 {
		return key(slices.SortedFunc(slices.Values(all), func(a, b usage) int { return cmp.Compare(key(a), key(b)) })[len(all)/2])
	}
	return usage{
		uploaded: time.Duration(of(func(u usage) int64 { return int64(u.uploaded) })),
		peak:     int(of(func(u usage) int64 { return int64(u.peak) })),
		archive:  of(func(u usage) int64 { return u.archive }),
	}
}

// describe writes the medians, and the time of each round.
func describe(all []usage) string {
	u := median(all)
	text := fmt.Sprintf("%.2f s to the upload's end, %.1f MiB at the most, archive %.2f MiB; rounds", u.uploaded.Seconds(), float64(u.peak)/1024, float64(u.archive)/(1<<20))
	for _, u := range all {
		text += fmt.Sprintf(" %.2f", u.uploaded.Seconds())
	}
	return text
}

// layTexts makes files of Go's own sources, one after the other, and again from
// the first if need be: the same in each folder, for one version of Go.
func layTexts(t *testing.T, dir string, files int) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	goroot := os.DirFS(strings.TrimSpace(string(out)))
	var sources []string
	err = fs.WalkDir(goroot, "src", func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.HasSuffix(name, ".go") {
			sources = append(sources, name)
		}
		return err
	})
	if err != nil || len(sources) == 0 {
		t.Fatalf("no texts in %s: %v", out, err)
	}
	put(t, dir, "Dockerfile", []byte("FROM dailyco/pipecat-base\nCOPY . .\n"))
	var text bytes.Buffer
	for i := range files {
		for ; text.Len() < textSize; sources = append(sources[1:], sources[0]) {
			data, err := fs.ReadFile(goroot, sources[0])
			if err != nil {
				t.Fatal(err)
			}
			text.Write(data)
		}
		put(t, dir, fmt.Sprintf("src/m%d/f%d.py", i%100, i), text.Next(textSize))
	}
}

// layNoise makes files that do not compress.
func layNoise(t *testing.T, dir string, files int) {
	noise := rand.NewChaCha8([32]byte{1})
	data := make([]byte, noiseSize)
	for i := range files {
		_, _ = noise.Read(data)
		put(t, dir, fmt.Sprintf("models/m%d.bin", i), data)
	}
}

// laySmall makes files of some bytes each.
func laySmall(t *testing.T, dir string, files int) {
	put(t, dir, "Dockerfile", []byte("FROM dailyco/pipecat-base\nCOPY . .\n"))
	for i := range files {
		put(t, dir, fmt.Sprintf("package%d/part%d/f%d.py", i/500, i%10, i), fmt.Appendf(nil, "x = %d\n", i))
	}
}

package buildcontext

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain packs the folder that PACK names, in a process that does nothing
// else, when a benchmark starts this program again.
func TestMain(m *testing.M) {
	dir, ok := os.LookupEnv("PACK")
	if !ok {
		os.Exit(m.Run())
	}
	a, err := Pack(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer a.Close()
	fmt.Println(a.Size, a.Files, a.Unpacked)
}

// packAgain packs a folder in a separate process, and returns the archive's
// size and the process's peak memory in bytes. The peak is an upper bound: until
// it becomes the program, a child counts the memory of this one.
func packAgain(b *testing.B, dir string) (size, peak int64) {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	job := exec.Command(program)
	job.Env = append(os.Environ(), "PACK="+dir)
	out, err := job.Output()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if _, err := fmt.Sscan(string(out), &size); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return size, int64(job.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
}

// BenchmarkPack packs 300 MiB: half text in 10,000 files, half what does not
// compress. It reports the archive's size as a part of what gzip -6 makes of the
// same tar.
func BenchmarkPack(b *testing.B) {
	dir := tree(b, "Dockerfile")
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 5000)
	for i := range words {
		for range 2 + random.IntN(8) {
			words[i] += string("etaoinshrdlucmfwyp"[random.IntN(18)])
		}
	}
	for i := range 10_000 {
		var text strings.Builder
		for text.Len() < 15_700 {
			text.WriteString(words[random.IntN(len(words))])
			text.WriteByte(" \n"[random.IntN(8)/7])
		}
		write(b, dir, fmt.Sprintf("src/m%d/f%d.py", i%100, i), text.String())
	}
	noise := rand.NewChaCha8([32]byte{1})
	for i := range 15 {
		put(b, dir, fmt.Sprintf("models/m%d.bin", i), func(file string) error {
			f, err := os.Create(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.CopyN(f, noise, 10<<20)
			return err
		})
	}
	var size, peak int64
	for b.Loop() {
		var p int64
		size, p = packAgain(b, dir)
		peak = max(peak, p)
	}
	b.StopTimer()
	b.SetBytes(300 << 20)
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
	b.ReportMetric(float64(size)/float64(gzipped(b, dir)), "of-gzip-6")
}

// gzipped is the size of what gzip -6 makes of a folder's tar.
func gzipped(b *testing.B, dir string) int64 {
	gzip6 := exec.Command("gzip", "-6")
	to, err := gzip6.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out := &counter{w: io.Discard}
	gzip6.Stdout = out
	if err := gzip6.Start(); err != nil { // there is none
		z, _ := gzip.NewWriterLevel(out, 6)
		return tarTo(b, z, z.Close, dir, out)
	}
	return tarTo(b, to, func() error { to.Close(); return gzip6.Wait() }, dir, out)
}

func tarTo(b *testing.B, to io.Writer, end func() error, dir string, out *counter) int64 {
	buffered := bufio.NewWriter(to)
	w := tar.NewWriter(buffered)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		b.Fatal(err)
	}
	for _, end := range []func() error{w.Close, buffered.Flush, end} {
		if err := end(); err != nil {
			b.Fatal(err)
		}
	}
	return out.n
}

// BenchmarkManyFiles packs small files: each takes the same time, however many
// there are.
func BenchmarkManyFiles(b *testing.B) {
	for _, files := range []int{25_000, 100_000} {
		b.Run(fmt.Sprint(files), func(b *testing.B) {
			dir := tree(b, "Dockerfile")
			for i := range files {
				name := filepath.Join(dir, fmt.Sprintf("package%d/part%d/f%d.py", i/500, i%10, i))
				if i%500 < 10 {
					if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
						b.Fatal(err)
					}
				}
				if err := os.WriteFile(name, fmt.Appendf(nil, "x = %d\n", i), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			var peak int64
			for b.Loop() {
				_, p := packAgain(b, dir)
				peak = max(peak, p)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*files), "µs/file")
			b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
		})
	}
}

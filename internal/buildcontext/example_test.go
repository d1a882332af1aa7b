package buildcontext_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"pipecat-cloud-deploy/internal/buildcontext"
)

// Docker's ignore rules decide what is packed. Files that may be secrets are excluded
// even where no rule names them.
func ExamplePack() {
	dir, err := os.MkdirTemp("", "context-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{
		"Dockerfile":    "FROM dailyco/pipecat-base:latest\nCOPY bot.py .\n",
		"bot.py":        "async def bot(runner_args): ...\n",
		".dockerignore": "*.md\n!README.md\n",
		"notes.md":      "ignored\n",
		"README.md":     "included by the second rule\n",
		".env":          "OPENAI_API_KEY=sk-123\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}

	a, err := buildcontext.Pack(context.Background(), buildcontext.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	unzipped, err := gzip.NewReader(a.Reader())
	if err != nil {
		log.Fatal(err)
	}
	for packed := tar.NewReader(unzipped); ; {
		header, err := packed.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(header.Name)
	}
	fmt.Println("by the rules of", a.IgnoreFile)
	fmt.Println("excluded:", a.KeptOut)
	// Output:
	// .dockerignore
	// Dockerfile
	// README.md
	// bot.py
	// by the rules of .dockerignore
	// excluded: [.env]
}

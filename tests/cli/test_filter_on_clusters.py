"""The files for clusters in examples/cluster do here what they would do there."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

kills = pytest.importorskip("benchmarks.filter_kills", reason="needs zstandard")
pytest.importorskip("pyarrow")

ROOT = Path(__file__).parents[2]
FILES = ROOT / "examples" / "cluster"
RULE = "bits_per_byte <= 2.1"
SHARDS = 2
BUCKETS = {"s3://corpus/": "", "s3://clean/run-1": "clean"}

pytestmark = pytest.mark.slow


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    kills.write_corpus(tmp_path / "corpus.jsonl.zst", records=40, seed=2)
    return tmp_path / "corpus.jsonl.zst"


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., None]:
    """Bash with our nonplus as the command of that name."""
    program = tmp_path / "bin" / "nonplus"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nonplus.cli "$@"\n')
    program.chmod(0o755)

    def run(*arguments: object, environment: Mapping[str, object]) -> None:
        own = {name: str(value) for name, value in environment.items()}
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            ["bash", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, **own},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr

    return run


def kept(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "kept").iterdir())]


def in_one_run(corpus: Path, rule: str) -> Path:
    command = [sys.executable, "-m", "nonplus.cli", "filter", "run", corpus.name, "-o", "whole", "--keep", rule]
    subprocess.run([*command, "--workers", "1"], cwd=corpus.parent, check=True, capture_output=True)
    return corpus.parent / "whole"


def test_the_jobs_of_a_slurm_array_do_together_what_one_run_does(corpus: Path, shell: Callable[..., None]) -> None:
    for job in range(1, SHARDS + 1):
        slurm = {"SLURM_ARRAY_TASK_ID": job, "SLURM_ARRAY_TASK_COUNT": SHARDS, "SLURM_CPUS_PER_TASK": 1}
        shell(FILES / "filter.slurm", corpus.name, "clean", RULE, environment=slurm)
    assert (corpus.parent / "clean" / "report.json").exists()
    assert kept(corpus.parent / "clean") == kept(in_one_run(corpus, RULE))


def test_the_pods_of_a_kubernetes_job_do_together_what_one_run_does(corpus: Path, shell: Callable[..., None]) -> None:
    """Here with files for buckets, and fewer and smaller pods."""
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load((FILES / "filter-job.yaml").read_text())
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 32
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["bash", "-c"]
    (line,) = container["args"]
    for pod in range(SHARDS):
        here = in_place_of(line, {**BUCKETS, "/32": f"/{SHARDS}", "--workers 16": "--workers 1"})
        shell("-c", here, environment={"JOB_COMPLETION_INDEX": pod})
    assert kept(corpus.parent / "clean") == kept(in_one_run(corpus, "bits_per_byte <= 2.6"))


def test_the_entry_point_of_a_ray_job_does_what_one_run_does(corpus: Path, shell: Callable[..., None]) -> None:
    """Here with files for buckets, and two actors of a Ray that is started for it."""
    yaml, _ = pytest.importorskip("yaml"), pytest.importorskip("ray")
    job = yaml.safe_load((FILES / "filter-rayjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    workers = group["replicas"] * int(container["resources"]["requests"]["cpu"])
    line = in_place_of(job["spec"]["entrypoint"], {**BUCKETS, f"--workers {workers}": "--workers 2"})
    shell("-c", line, environment={})
    assert kept(corpus.parent / "clean") == kept(in_one_run(corpus, "bits_per_byte <= 2.6"))


def in_place_of(line: str, others: Mapping[str, str]) -> str:
    for there, here in others.items():
        assert there in line
        line = line.replace(there, here)
    return line


@pytest.mark.parametrize("file", sorted(path.name for path in FILES.iterdir()))
def test_the_page_shows_the_files_as_they_are(file: str) -> None:
    page = (ROOT / "docs" / "how-to" / "filter-at-scale.md").read_text(encoding="utf-8")
    assert f"```text\n{(FILES / file).read_text(encoding='utf-8')}```" in page

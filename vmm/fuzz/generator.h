// Random workloads: the same seed gives the same script.
//
// The generator says what is done, guided by what the oracle knows of memory (so that most calls
// hit something); the oracle says what must come of it. Every statement of the language can come.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/oracle.h"
#include "sim/random.h"
#include "workload/ast.h"

namespace vmm::fuzz {

struct GeneratorOptions {
  unsigned operations = 100;  // statements, about, with those in blocks and the checks at the end
  bool breaks_rules = true;   // with what is wrong on purpose (protect_naive)
};

class Generator {
 public:
  explicit Generator(uint64_t seed, const GeneratorOptions& options = {})
      : random_(seed), options_(options) {}

  // Once.
  Script make();

 private:
  using List = std::vector<Statement>;
  using Maker = void (Generator::*)(List& list);
  struct Choice {
    unsigned weight;
    Maker make;
  };
  static const std::vector<Choice>& choices();

  void regions(List& list);
  void map_regions(List& list);
  void fill(List& list, unsigned count);
  // Appends the statement if it can stand there.
  bool add(List& list, Statement s);
  bool add_block(List& list, Statement s);

  // generator_statements.cc
  void map(List& list);
  void map_as(List& list, Statement s);
  void unmap(List& list);
  void protect(List& list);
  void populate(List& list);
  void drop(List& list);
  void swap_out(List& list);
  void write_back(List& list);
  void clear_refs(List& list);
  void move(List& list);
  void read(List& list);
  void write(List& list);
  void check(List& list);
  void fill_pages(List& list);
  void verify(List& list);
  void count_up(List& list);
  void ask(List& list);
  void try_access(List& list);
  void device(List& list);
  void print(List& list);
  void wait_for_nobody(List& list);
  void pause(List& list);
  void variable(List& list);
  void pin(List& list);
  void truth(List& list);

  // generator_blocks.cc
  void fork(List& list);
  void child_body(List& body);
  void exec(List& body);
  void threads(List& list);
  void loop(List& list);
  void turns(List& list);
  void condition(List& list);
  void phase(List& list);
  void check_everything(List& list);
  void print_entries(List& list);

  // generator_parts.cc
  bool chance(unsigned percent) { return random_.below(100) < percent; }
  const RegionPlace& some_region();
  PageRange some_pages(bool mapped);
  PageRange one_page(bool mapped);
  uint64_t some_protection();
  Expression some_value();
  std::string some_label();
  std::string fresh_name(const char* prefix);

  Random random_;
  GeneratorOptions options_;
  Oracle oracle_;
  unsigned depth_ = 0;
  unsigned left_ = 0;  // statements to come
  unsigned names_ = 0;
  unsigned labels_ = 0;
  uint64_t value_ = 0;
};

// Parts of a script.
Statement make_statement(Statement::Kind kind);
Statement make_statement(Statement::Kind kind, PageRange pages);
PageRange page_of(const std::string& region, Expression index);
PageRange pages_of(const std::string& region, uint32_t first, uint32_t end);
Expression variable_expression(const std::string& name);
Expression call_expression(Function function);
Expression call_expression(Function function, PageRange pages);
Expression operation(Operator op, Expression left, Expression right);

}  // namespace vmm::fuzz

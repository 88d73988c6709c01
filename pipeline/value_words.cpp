// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the value score. Each list holds what its sign is about, in general: no text's own names or topics.
#include "pipeline/value_lexicon.hpp"

namespace alluvium::pipeline {
namespace {

constexpr auto words = [] {
  std::array<std::string_view, sign_count> of{};
  const auto set = [&of](Sign sign, std::string_view list) { of[static_cast<std::size_t>(sign)] = list; };
  set(Sign::i, "i i'm im i've ive i'd i'll we we're we've we'd we'll");
  set(Sign::my, "my our mine ours");
  set(Sign::me, "me us myself ourselves");
  set(Sign::you, "you your you're you've you'd you'll yours yourself u ur y'all");
  set(Sign::relation,
      "mother mom mum mama mommy mother's mom's father dad daddy father's dad's parent parents sister sisters sister's "
      "brother brothers brother's sibling siblings son sons son's daughter daughters daughter's kid kids kid's kids' "
      "child children child's children's wife wife's husband husband's partner partner's spouse fiance fiancee fiancé "
      "fiancée girlfriend girlfriend's boyfriend boyfriend's ex grandma grandmother granny nana grandpa grandfather "
      "grandparents grandson granddaughter grandkids aunt auntie uncle cousin cousins niece nieces nephew nephews "
      "family family's relatives twins twin baby toddler stepmom stepdad stepson in-laws roommate roommates flatmate "
      "neighbor neighbors neighbour neighbours boss manager coworker coworkers co-worker colleague colleagues friend "
      "friends friend's buddy buddies pal pals bestie teammate teammates teacher coach mentor team boyfriends");
  set(Sign::pet,
      "dog dogs dog's doggy cat cats cat's puppy puppies pup pups kitten kittens kitty pet pets turtle turtles bird "
      "birds parrot hamster hamsters rabbit rabbits snake fish horse horses guinea pig lizard ferret goldfish");
  set(Sign::taste,
      "like likes love loves loved enjoy enjoys enjoyed enjoying adore prefer prefers preferred hate hates hated "
      "dislike dislikes fan fond obsessed passionate addicted miss loathe");
  set(Sign::favorite, "favorite favorites favourite favourites fave go-to top-choice hobby hobbies passion passions");
  set(Sign::work,
      "work works worked working hired promoted fired quit resign resigned retired retire freelance freelancing "
      "employed unemployed interning interned earn earned");
  set(Sign::job,
      "job jobs career careers business company companies startup start-up firm office store shop studio internship "
      "role position promotion employer clients client customers shift shifts salon agency profession factory bakery");
  set(Sign::study,
      "study studied studying graduate graduated graduating majored majoring enrolled enroll applied apply passed "
      "failed took taking taught teaching teach learned learning learnt learn");
  set(Sign::school,
      "degree major exam exams thesis diploma class classes course courses school college university scholarship "
      "certificate certification phd masters bachelor bachelor's master's semester homework assignment workshop "
      "workshops seminar lesson lessons training bootcamp tutor");
  set(Sign::live,
      "live lives lived living moved moving move relocated relocating relocate born raised settled stay staying stayed "
      "commute hometown reside resident");
  set(Sign::did,
      "went visited visit visiting traveled travelled traveling attended attending tried camped camping hiked hiking "
      "flew drove ran hosted hosting participated performed performing volunteered volunteering celebrated celebrating "
      "watched watching read reading played playing met meet met saw explored exploring climbed swam skied biked "
      "cycled "
      "danced sang competed won lost spoke talked came done did had organized organised helped gave spent checked "
      "caught ate tasted listened rode sailed surfed joined led presented raced trained practiced toured scored "
      "donated raised survived witnessed discovered encountered received reached achieved completed");
  set(Sign::got,
      "bought buy buying got get gotten purchased own owned adopted adopt received sold rented built build building "
      "made make making painted painting wrote write writing baked baking cooked cooking planted planting started "
      "start launched launching opened opening created creating designed designing finished published publishing "
      "signed booked ordered found broke broken crashed fixed repaired replaced lost earned brought picked sewed "
      "knitted carved drew sketched recorded composed filmed developed developing renovated restored upgraded set "
      "saved landed secured hurt injured sprained");
  set(Sign::plan,
      "planning plan plans planned going gonna hoping hope want wants wanted wanna thinking considering decided "
      "decide aiming aim intend intending scheduled schedule will looking wish wishing dream dreaming preparing "
      "prepping tempted debating");
  set(Sign::health,
      "allergy allergic allergies diagnosed diagnosis doctor doctors doctor's dr hospital surgery injury injuries "
      "injured hurt asthma diabetes diabetic anxiety depression depressed therapy therapist medication medicine pills "
      "pregnant pregnancy diet vegan vegetarian gluten lactose intolerant weight checkup check-up sick illness ill "
      "pain migraine headache headaches insomnia cancer disease symptoms prescription dentist clinic ankle knee "
      "blood pressure cholesterol dietary celiac disability autism adhd ptsd rehab physio sober");
  set(Sign::number,
      "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
      "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands "
      "million billion dozen dozens twice couple several few half first second third fourth fifth double");
  set(Sign::time_unit,
      "year years month months week weeks day days hour hours minute minutes decade decades weekend weekends "
      "yr yrs hrs night nights");
  set(Sign::ago, "ago old since anniversary birthday");
  set(Sign::span, "for since over almost about past last every within until till during nearly around");
  set(Sign::day, "yesterday today tonight tomorrow recently lately weekend currently nowadays yest tmrw earlier soon");
  set(Sign::relative, "last next this past coming upcoming previous other few");
  set(Sign::calendar,
      "january february march april june july august september october november december jan feb mar apr jun jul aug "
      "sept sep oct nov dec monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays "
      "thursdays fridays saturdays sundays mon tue tues wed thu thurs fri sat christmas xmas thanksgiving halloween "
      "easter hanukkah diwali ramadan eid valentine's summer winter spring fall autumn");
  set(Sign::money,
      "dollar dollars bucks euro euros pound pounds usd eur gbp rupees budget salary rent mortgage loan debt savings "
      "price cost costs paid pay invested insurance income wage bonus tax");
  set(Sign::contact, "phone address email e-mail account order username password zip zipcode postcode reservation pin");
  set(Sign::contact_kind, "number id is no code");
  set(Sign::event,
      "wedding married marry marriage engaged engagement divorce divorced divorcing funeral died die passed death "
      "graduation promotion interview interviews concert concerts festival festivals conference competition "
      "tournament tournaments contest marathon race races parade meetup retreat exhibition exhibit gallery fundraiser "
      "charity vacation holiday trip trips roadtrip road-trip camping accident breakup broke birth adoption award "
      "awards prize trophy championship ceremony convention audition show gig launch party picnic bbq hike tour "
      "premiere recital reunion housewarming baptism election protest storm flood fire");
  set(Sign::possession,
      "goal goals dream dreams plan plans project projects hobby hobbies passion resolution routine habit birthday "
      "wedding house home apartment flat condo car bike truck garden trip vacation book novel blog vlog channel band "
      "painting recipe recipes tournament game name age city town country state neighborhood boat guitar piano camera "
      "laptop computer phone website podcast album song collection degree diet pronouns religion faith church "
      "childhood past roots culture background bucket setup room kitchen yard backyard");
  set(Sign::change,
      "longer anymore instead changed switched switch stopped stop quitting quit gave used began begun started "
      "finally became become turned cancelled canceled postponed ended recovering recovered");
  set(Sign::opinion,
      "think feel believe realized realised reminds reminded inspired inspires inspire means important helps makes "
      "matters motivated motivates appreciate taught");
  set(Sign::kind_of_person,
      "single married divorced widowed trans transgender gay lesbian bi bisexual queer christian muslim jewish hindu "
      "buddhist atheist catholic vegan vegetarian nurse teacher doctor engineer developer programmer designer artist "
      "writer student lawyer musician singer actor chef baker photographer dancer veteran counselor psychologist "
      "accountant electrician mechanic farmer pilot scientist researcher professor librarian freelancer entrepreneur "
      "american british canadian mexican indian chinese japanese korean french german italian spanish swedish "
      "african russian brazilian introvert extrovert beginner immigrant volunteer mechanic left-handed");
  set(Sign::medium,
      "book books novel novels movie movies film films series show shows song songs album albums band bands artist "
      "author podcast podcasts game games recipe dish dishes restaurant restaurants instrument guitar piano violin "
      "drums sport sports yoga dance dancing pottery painting paintings photo photos picture photography poem poems "
      "poetry concert theater theatre comics anime manga chess soccer football basketball baseball tennis hockey "
      "golf volleyball rugby badminton");
  set(Sign::named, "named called titled name known nicknamed named: name's names");
  set(Sign::shown, "check here's look pic photo picture this that's these video link attached");
  set(Sign::article, "a an the some another new");
  set(Sign::praise,
      "awesome great amazing cool nice wonderful fantastic incredible lovely beautiful gorgeous stunning sweet "
      "impressive inspiring exciting interesting fun super perfect neat rad delicious yummy cute adorable "
      "good excellent brilliant epic wow");
  set(Sign::chatter,
      "wow congrats congratulations thanks thank hey hi hello bye goodbye glad sounds sure definitely absolutely "
      "totally agreed yeah yep yup ok okay haha lol cheers cya luck proud hear sorry welcome please awesome cool "
      "aww oh hmm omg woah whoa yay catch talk chat later care support supporting rooting fingers crossed "
      "keep enjoy");
  set(Sign::acknowledgement,
      "yes no ok okay k kk sure thanks thank thx ty yeah yep yup nope nah please bye goodbye hi hello hey great good "
      "fine cool nice right correct perfect awesome alright agreed absolutely definitely exactly welcome done nothing "
      "all that that's it's it sounds works is will be much very so you for your help everything wait sir madam "
      "morning "
      "evening afternoon day have a the night great! got it ya yea well too and to have moment minute thanks! lol haha "
      "oh wow hmm i'm know don't dont see");
  set(Sign::asking,
      "what what's whats when where who who's why how how's which whose whom do does did can could would will is are "
      "should may any have has was were");
  set(Sign::remember, "remember forget note fyi reminder reminded mentioned remembered");
  set(Sign::dropped,
      "just got been went had started took finished bought met saw made working moved recently yesterday last "
      "thinking planning looking lost still currently tried trying spent going doing loving getting also found "
      "joined signed came can't don't never haven't won already used love loved had feeling");
  set(Sign::modal, "could might would should maybe perhaps if let's let lets may");
  set(Sign::platitude,
      "difference together people strong stronger strength same other everyone community world encouragement encourage "
      "encouraging support supporting supportive supports power powerful challenge challenges keep positive positivity "
      "positively matters matter important importance believe everything life lives moments memories joy growth "
      "resilience resilient determination perseverance dedication progress journey hope meaningful bond bonds connect "
      "connection connections value values respect kindness peace inspiring inspiration motivation worries appreciate "
      "grateful thankful impact");
  set(Sign::third, "he he's he'd his him she she's she'd her hers they they're their them himself herself");
  set(Sign::hardship,
      "stress stressed stressful tough rough struggle struggles struggled struggling difficult problems trouble issues "
      "issue setback setbacks worried frustrating frustrated upset scary scared lonely tired exhausted burned burnout "
      "worst hard unfortunately sadly loss grief bad mistake failed crisis scare");
  set(Sign::food,
      "food foods meal meals breakfast lunch dinner supper snack snacks pizza pasta salad soup sandwich burger sushi "
      "tacos curry rice bread cake cakes cookies cupcakes muffins pie chocolate candy dessert desserts ice-cream cream "
      "cheese chicken beef pork turkey salmon seafood shrimp steak veggies vegetables fruit fruits apples berries "
      "coffee tea latte espresso beer wine soda juice smoothie smoothies cocktail eggs nuts spicy roasted grilled "
      "baked homemade ingredients dairy-free sugar garlic honey");
  set(Sign::was, "was were had wasn't weren't hadn't did didn't");
  set(Sign::common,
      "the be to of and a in that have it for not on with he as do at this but his by from they say her she or an will "
      "one all would there their what so up out if about who get which go when make can like time no just him know "
      "take "
      "people into year your good some could them see other than then now look only come its over think also back "
      "after "
      "use how our even well way want because any these give day most us is are was were been being am has had does "
      "did "
      "doing done more very really too much many such it's that's there's i'm i've i'll i'd don't doesn't didn't can't "
      "won't isn't aren't wasn't weren't wouldn't couldn't shouldn't haven't hasn't let's let what's he's she's "
      "they're "
      "we're you're we've you've they've we'll you'll it'll gonna wanna got getting going goes gone went coming came "
      "taking took making made thing things something anything everything nothing someone anyone everyone nobody lot "
      "lots bit kind sort always never sometimes often usually ever still yet already again soon later before since "
      "while until during through between without within around across against along among behind beyond under above "
      "off away down here where why both each every few several own same different another such those own right left "
      "big small little long short new old great nice good better best bad worse worst sure okay ok yeah yes hey hi "
      "hello thanks thank welcome please sorry wow oh haha cool awesome amazing wonderful fantastic incredible lovely "
      "beautiful perfect glad happy excited exciting fun interesting super definitely absolutely totally pretty quite "
      "maybe perhaps probably actually honestly basically literally especially almost enough rather though although "
      "however anyway instead therefore else "
      "feel feels feeling felt seem seems sound sounds looks looking looked find found keep keeps keeping kept hear "
      "heard "
      "tell told talk talking talked said saying ask asked try trying tried need needs needed help helps helping "
      "helped "
      "start started starting stop stopped show shows showing showed share sharing shared hope hoping believe love "
      "loves loving loved enjoy enjoyed wait remember forget mean means meant put puts set turn turned turns run call "
      "called work works working worked play live leave left bring brings brought bring stay move check care catch "
      "guess wish agree deal change changes happen happened happens learn learning understand support supportive "
      "world life man woman men women person place part point end side way ways idea reason case fact question answer "
      "problem moment moments minute hour hours week weeks month months days today tomorrow yesterday tonight morning "
      "night weekend times sometime first second last next couple half two three self experience experiences feelings "
      "stuff journey important hard easy tough ready able possible special real true whole full free high low sounds "
      "must might may should shall cannot myself yourself himself herself themselves itself whatever whenever wherever "
      "yourselves whoever whether either neither nor per via like liked such upon onto toward towards u ur im ive dont "
      "cant thats whats lol omg inspiring inspired inspiration amazing impressive proud grateful appreciate congrats "
      "congratulations luck forward awesome chat bye later take keep up cheers next time new day well good job daily "
      "weekly regularly everyday typically rarely avoid near visit visiting "
      "happy sad angry upset afraid scared nervous worried excited anxious stressed lonely proud relieved frustrated "
      "overwhelmed exhausted heartbroken devastated thrilled ashamed guilty jealous");
  return of;
}();

}  // namespace

const std::array<std::string_view, sign_count>& words_of_signs() {
  return words;
}

}  // namespace alluvium::pipeline
